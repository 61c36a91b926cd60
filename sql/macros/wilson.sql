-- makes: wilson_lower(k, n) and wilson_upper(k, n), the 95 % Wilson bounds of k successes in n trials
-- reads:
-- paper: none; the paper quotes rates without errors (section 4.1)
create or replace macro wilson_lower(k, n) as (
    case when n > 0 then greatest(0.0, (
        (cast(k as double) + 1.9207294103470998) / n
        - 1.959963984540054 / n * sqrt(cast(k as double) * (n - k) / n + 0.9603647051735499)
    ) / (1 + 3.8414588206941996 / n)) end
);

create or replace macro wilson_upper(k, n) as (
    case when n > 0 then least(1.0, (
        (cast(k as double) + 1.9207294103470998) / n
        + 1.959963984540054 / n * sqrt(cast(k as double) * (n - k) / n + 0.9603647051735499)
    ) / (1 + 3.8414588206941996 / n)) end
);
