"""The register of all figures of the report, by the paper's numbers."""

from swimmy_db.report import (
    figures_galaxies,
    figures_lines,
    figures_network,
    figures_profiles,
    figures_sample,
    figures_scores,
    figures_spectra,
    figures_stamps,
    figures_training,
)
from swimmy_db.report.figure import Figure

MODULES = (
    figures_sample,
    figures_network,
    figures_scores,
    figures_stamps,
    figures_lines,
    figures_galaxies,
    figures_profiles,
    figures_spectra,
    figures_training,
)
FIGURES: dict[str, Figure] = {
    figure.name: figure
    for figure in sorted(
        (figure for module in MODULES for figure in module.FIGURES),
        key=lambda figure: figure.number,
    )
}
