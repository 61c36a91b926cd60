-- makes: setting(name) and setting_text(name), the survey's settings as SQL reads them: a number (switches are 0 or 1), a text
-- reads: meta.settings
-- paper: none; a NULL number means that the cut is not applied
create or replace macro setting(setting_name) as (
    select value from meta.settings where name = setting_name
);

create or replace macro setting_text(setting_name) as (
    select text from meta.settings where name = setting_name
);
