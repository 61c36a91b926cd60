"""Pictures of docs/real-sky.md."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from swimmy_db.config import Band
from swimmy_db.report.gallery import residual_rgb, stamp_rgb
from swimmy_db.sources.filter_curves import read_filter_curves

BANDS = "grizy"
REAL, EMBEDDED, FIELD = "#b03a2e", "#2471a3", "#d68910"
SETS = {"embedded": EMBEDDED, "real": REAL, "real, a field": FIELD}
COLOURS = {"g": "#2e86c1", "r": "#229954", "i": "#b9770e", "z": "#a93226", "y": "#6c3483"}
FULL_SCALE = 0.3
LINES = {"[O II]": 3728.5, "H beta": 4862.68, "[O III] 5007": 5008.24, "H alpha": 6564.61}
plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 110})


def save(figure, path: Path, colours: int | None = 256) -> None:
    """colours: of the palette, which takes two thirds of a diagram's bytes; None for images, which it would spoil."""
    figure.savefig(path, dpi=110)
    plt.close(figure)
    with Image.open(path) as picture:
        opaque = picture.convert("RGB")
        if colours is not None:
            opaque = opaque.quantize(colours, dither=Image.Dither.NONE)
        opaque.save(path, optimize=True)


def draw_stamps(path: Path, groups: Sequence[tuple[str, list[tuple]]]) -> None:
    """Per group three rows: stamps, reconstructions, residuals; one column a galaxy (title, cube, reconstruction)."""
    columns = max(len(galaxies) for _, galaxies in groups)
    heights = [1, 1, 1, 0.28] * len(groups)
    figure, axes = plt.subplots(
        len(heights) - 1,
        columns,
        figsize=(1.05 * columns + 0.5, 1.06 * sum(heights[:-1]) + 0.35),
        height_ratios=heights[:-1],
    )
    for axis in axes.flat:
        axis.axis("off")
    for number, (name, galaxies) in enumerate(groups):
        block = axes[4 * number : 4 * number + 3]
        for column, (title, cube, model) in zip(block.T, galaxies, strict=False):
            residual = residual_rgb(cube - model, (2, 1, 0), FULL_SCALE)
            for axis, shown in zip(column, (stamp_rgb(cube), stamp_rgb(model), residual), strict=True):
                axis.imshow(shown, origin="lower", interpolation="nearest")
            column[0].set_title(title, fontsize=8, pad=2)
        for axis, what in zip(block[:, 0], (name, "reconstruction", "residual"), strict=True):
            axis.text(-0.06, 0.5, what, transform=axis.transAxes, rotation=90, ha="right", va="center", fontsize=8)
    figure.subplots_adjust(left=0.045, right=0.998, bottom=0.004, top=0.965, wspace=0.03, hspace=0.03)
    save(figure, path, colours=None)


def _boxes(axis, values: dict[str, np.ndarray], title: str, unit: str) -> None:
    """Median and 16 to 84 per cent of each band, of one set beside another."""
    for shift, name in zip((-0.2, 0.0, 0.2), values, strict=False):
        low, middle, high = np.nanpercentile(values[name], [16, 50, 84], axis=0)
        place = np.arange(len(middle)) + shift
        bars = [middle - low, high - middle]
        axis.errorbar(place, middle, yerr=bars, fmt="o", ms=4, lw=1.2, capsize=2, color=SETS[name], label=name)
    axis.set_xticks(np.arange(5), BANDS)
    axis.set_title(title, fontsize=9)
    axis.set_ylabel(unit)


def draw_differences(path: Path, measured: dict) -> None:
    """Sky and noise by band, sizes against magnitude, colours against each other, other light, scores."""
    chosen = {
        "embedded": _bright(measured["embedded"]),
        "real": np.array(measured["is_galaxy"]),
    }

    def values(*keys, sets=("embedded", "real")):
        picked = {}
        for name in sets:
            found = measured["field" if name == "real, a field" else name]
            for key in keys:
                found = found[key]
            picked[name] = np.array(found)[sky_rows(measured, name)]
        return picked

    figure, axes = plt.subplots(2, 4, figsize=(12.6, 5.9))
    _boxes(axes[0, 0], values("counts", "sigma", sets=SETS), "sky noise, as served", "counts per pixel")
    axes[0, 0].set_yscale("log")
    axes[0, 0].legend(frameon=False, fontsize=8)
    _boxes(axes[0, 1], values("counts", "correlation", sets=SETS), "correlation of neighbouring pixels", "")
    _boxes(axes[0, 2], values("cubes", "sigma"), "sky noise after match and stretch", "stretched flux")
    _boxes(axes[0, 3], values("cubes", "level"), "sky level after the stretch", "stretched flux")
    axes[0, 3].axhline(0.05, color="grey", lw=0.8, ls=":")

    axis = axes[1, 0]
    for name, colour, size in (("embedded", EMBEDDED, 4), ("real", REAL, 14)):
        rows = chosen[name]
        axis.scatter(
            np.array(measured[name]["magnitude"])[rows], np.array(measured[name]["radius"])[rows],
            s=size, color=colour, lw=0, alpha=0.7,
        )  # fmt: skip
    field, rows = measured["field"], _bright(measured["field"])
    axis.scatter(np.array(field["magnitude"])[rows], np.array(field["radius"])[rows], s=14, color=FIELD, lw=0)
    axis.set(xlabel='i within 3.4" (mag)', ylabel="half-light radius (arcsec)", title="sizes")
    axis.title.set_fontsize(9)

    axis = axes[1, 1]
    for name, colour, size in (("embedded", EMBEDDED, 4), ("real", REAL, 14)):
        shown = np.array(measured[name]["colours"])[chosen[name]]
        axis.scatter(shown[:, 0], shown[:, 1], s=size, color=colour, lw=0, alpha=0.7)
    axis.set(xlabel="g - r", ylabel="r - i", xlim=(-0.3, 2.2), ylim=(-0.4, 1.3), title='colours of the central 2"')
    axis.title.set_fontsize(9)

    axis = axes[1, 2]
    for name, colour in (("embedded", EMBEDDED), ("real", REAL)):
        share = np.sort(np.array(measured[name]["other_light"])[chosen[name]])
        axis.step(share, (np.arange(len(share)) + 1) / len(share), where="post", color=colour, lw=1.4)
    axis.set(
        xlabel="share of the stamp's rim with other light",
        ylabel="share of the galaxies",
        title="neighbours",
        xlim=(-0.01, 0.4),
    )
    axis.title.set_fontsize(9)

    axis = axes[1, 3]
    thresholds = measured["scores"]["thresholds"]
    for place, band in enumerate("gri"):
        sets = {
            "embedded": np.array(measured["scores"]["embedded"][band])[chosen["embedded"]],
            "real": np.array(measured["galaxies"]["scores"][band])[chosen["real"]],
        }
        for shift, (name, colour) in zip((-0.17, 0.17), (("embedded", EMBEDDED), ("real", REAL)), strict=True):
            ratio = sets[name] / thresholds[band]
            wobble = np.random.default_rng(0).uniform(-0.1, 0.1, len(ratio))
            axis.scatter(
                place + shift + wobble, ratio, s=5 if name == "embedded" else 14, color=colour, lw=0, alpha=0.6
            )
    axis.axhline(1.0, color="grey", lw=0.8, ls=":")
    axis.set_yscale("log")
    axis.set_xticks(range(3), "gri")
    axis.set(ylabel="S_anom over the 2 sigma threshold", title="anomaly scores")
    axis.title.set_fontsize(9)
    figure.tight_layout(w_pad=1.2)
    save(figure, path)


def sky_rows(measured: dict, name: str) -> np.ndarray | slice:
    """Stamps whose sky is compared: of embedded galaxies the faint ones, which leave some; real ones are small."""
    if name != "embedded":
        return slice(None)
    magnitude = np.array(measured["embedded"]["magnitude"])
    return (magnitude > 19.0) & (magnitude < 20.0)


def _bright(measured: dict) -> np.ndarray:
    magnitude = np.array(measured["magnitude"])
    return (magnitude > 17.5) & (magnitude < 20.0)


def draw_stars(path: Path, measured: dict) -> None:
    """Widths of isolated stars in each band before and after the match to 1 arcsec."""
    figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.4), sharey=True)
    stars, psf = measured["stars"], measured["psf"]
    place = np.arange(5)
    random = np.random.default_rng(0)
    for axis, after, title in (
        (axes[0], "own", "seeing measured from each star, as a patch's is"),
        (axes[1], "psf", "seeing of the one PSF that the files have"),
    ):
        for name, shift, colour, label in (
            ("native", -0.15, "#909497", "before (adaptive moments)"),
            (after, 0.15, REAL, "after the match (half maximum)"),
        ):
            widths = np.array(stars[name])
            wobble = random.uniform(-0.08, 0.08, widths.shape)
            axis.scatter(place + shift + wobble, widths, s=12, color=colour, lw=0, alpha=0.8, label=label)
        axis.axhspan(0.95, 1.05, color="#f5b7b1", alpha=0.4, lw=0)
        axis.axhline(1.0, color="grey", lw=0.8)
        axis.set_xticks(place, BANDS)
        axis.set_title(title, fontsize=9)
    axes[1].scatter(place + 0.15, psf["matched_half"], marker="x", s=28, color="black", label="that PSF, matched")
    axes[0].set(ylabel="FWHM (arcsec)", ylim=(0.4, 1.2))
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=8, loc="lower center", ncols=3)
    save(figure, path)


def draw_lines(path: Path, bands: Sequence[Band]) -> None:
    """Throughputs over their maxima, and where the lines lie at the redshifts of the sample."""
    curves = read_filter_curves(bands)
    figure, axis = plt.subplots(figsize=(9.2, 3.6))
    names = np.array(curves["band"].to_pylist())
    for band in bands:
        wavelength, response = (curves[name].to_numpy()[names == band.band] for name in ("wavelength", "response"))
        axis.fill_between(wavelength, response / response.max(), color=COLOURS[band.band], alpha=0.18, lw=0)
        axis.plot(wavelength, response / response.max(), color=COLOURS[band.band], lw=1.2)
        middle = np.average(wavelength, weights=response)
        axis.text(middle, 1.04, band.band, ha="center", color=COLOURS[band.band], fontsize=11)
    axis.axhline(0.5, color="grey", lw=0.8, ls=":")
    for row, (name, wavelength) in enumerate(LINES.items()):
        height = -0.09 - 0.1 * row
        axis.plot(wavelength * np.array([1.05, 1.2]), [height, height], color="black", lw=2.5, solid_capstyle="butt")
        axis.text(wavelength * 1.2 + 60, height, name, va="center", fontsize=8)
    axis.annotate(
        "telluric A band:\nH alpha at z = 0.158", (7606, 0.46), (7080, 0.16), fontsize=8,
        arrowprops={"arrowstyle": "-", "lw": 0.7},
    )  # fmt: skip
    axis.set(
        xlim=(3700, 10800), ylim=(-0.5, 1.15), xlabel="wavelength (Angstrom)", ylabel="throughput over its maximum"
    )
    axis.set_yticks([0, 0.5, 1])
    axis.text(3760, -0.45, "bars: the lines at 0.05 < z < 0.2", fontsize=8, color="grey")
    figure.tight_layout()
    save(figure, path)
