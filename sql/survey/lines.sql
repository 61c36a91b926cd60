-- makes: survey.lines, the emission lines of the search, their vacuum wavelengths and the group whose summed EW is judged
-- reads:
-- paper: section 2.2 (the three groups) and 4.1 (the lines of EW_band; its "[SiI]" is read as [S II], ambiguity 15)
create or replace table survey.lines as
select cast(line as varchar) as line, label, cast(wavelength as double) as wavelength, line_group
from (
    values
        ('oii_3726', '[O II] 3726', 3727.09, 'oii'),
        ('oii_3729', '[O II] 3729', 3729.88, 'oii'),
        ('neiii_3869', '[Ne III] 3869', 3869.86, null),
        ('h_beta', 'H beta', 4862.68, 'hbeta_oiii'),
        ('oiii_4959', '[O III] 4959', 4960.30, 'hbeta_oiii'),
        ('oiii_5007', '[O III] 5007', 5008.24, 'hbeta_oiii'),
        ('nii_6548', '[N II] 6548', 6549.85, 'halpha_nii'),
        ('h_alpha', 'H alpha', 6564.61, 'halpha_nii'),
        ('nii_6584', '[N II] 6584', 6585.27, 'halpha_nii'),
        ('sii_6717', '[S II] 6717', 6718.29, null),
        ('sii_6731', '[S II] 6731', 6732.67, null)
) lines(line, label, wavelength, line_group);
