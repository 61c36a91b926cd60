"""Tables of docs/real-sky.md from what was measured."""

import numpy as np
from real_sky_measure import percentiles
from real_sky_pictures import sky_rows
from search_works_page import markdown

BANDS = "grizy"


def tables(measured: dict) -> dict[str, str]:
    return {
        "stars": _stars(measured),
        "differences": _differences(measured),
        "scores": _scores(measured),
        "nuclei": _nuclei(measured),
    }


def _spread(values: np.ndarray, digits: int) -> str:
    low, middle, high = percentiles(np.asarray(values, float))
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _stars(measured: dict) -> str:
    stars, psf = measured["stars"], measured["psf"]
    rows = []
    for label, name in (
        ("stars as served, moments", "native"),
        ("stars matched by their own seeing, half maximum", "own"),
        ("the same, moments", "own_moments"),
        ("stars matched by the file's PSF, half maximum", "psf"),
    ):
        widths = np.array(stars[name])
        rows.append([label] + [f"{np.median(w):.3f} ({w.min():.3f} to {w.max():.3f})" for w in widths.T])
    for label, name in (
        ("the file's PSF, moments", "moments"),
        ("the file's PSF, half maximum", "half"),
        ("the file's PSF matched, half maximum", "matched_half"),
        ("the file's PSF matched, moments", "matched_moments"),
    ):
        rows.append([label, *(f"{width:.3f}" for width in psf[name])])
    return markdown([f"FWHM, arcsec ({len(stars['own'])} stars)", *BANDS], rows)


def _differences(measured: dict) -> str:
    rows = []
    for title, keys, digits in (
        ("sky level as served, counts", ("counts", "level"), 3),
        ("sky noise as served, counts", ("counts", "sigma"), 3),
        ("correlation of neighbouring pixels", ("counts", "correlation"), 2),
        ("sky level after the stretch", ("cubes", "level"), 3),
        ("sky noise after the stretch", ("cubes", "sigma"), 3),
        ("share of pixels clipped to 0", ("cubes", "clipped"), 3),
        ("seeing, arcsec", ("seeing",), 2),
    ):
        for name, label in (("embedded", "embedded"), ("real", "real"), ("field", "real, a field")):
            found = measured[name]
            if keys[0] not in found:
                continue
            for key in keys:
                found = found[key]
            cells = [_spread(column, digits) for column in np.array(found)[sky_rows(measured, name)].T]
            rows.append([f"{title}: {label}", *cells, *["-"] * (5 - len(cells))])
    table = markdown([f"median (16 to 84 %), {_counts(measured)}", *BANDS], rows)
    galaxies = {"embedded": _bright(measured["embedded"]), "real": np.array(measured["is_galaxy"])}
    rows = []
    for title, pick, digits in (
        ("half-light radius in i, arcsec", lambda found: np.array(found["radius"]), 2),
        ("g - r", lambda found: np.array(found["colours"])[:, 0], 2),
        ("r - i", lambda found: np.array(found["colours"])[:, 1], 2),
        ("i - z", lambda found: np.array(found["colours"])[:, 2], 2),
        ("z - y", lambda found: np.array(found["colours"])[:, 3], 2),
        ("share of the stamp's rim with other light", lambda found: np.array(found["other_light"]), 3),
    ):
        cells = [_spread(pick(measured[name])[galaxies[name]], digits) for name in ("embedded", "real")]
        rows.append([title, *cells])
    field = measured["field"]
    rows[0].append(_spread(np.array(field["radius"])[_bright(field)], 2))
    rows = [row + ["-"] * (4 - len(row)) for row in rows]
    header = ["galaxies of 17.5 < i < 20", *(f"{name} ({int(galaxies[name].sum())})" for name in galaxies)]
    header.append(f"real, a field ({int(_bright(field).sum())})")
    return table + "\n\n" + markdown(header, rows)


def _counts(measured: dict) -> str:
    n_embedded = int(np.sum(sky_rows(measured, "embedded")))
    return f"{n_embedded} embedded (19 < i < 20) and {len(measured['real']['radius'])} real stamps"


def _bright(found: dict) -> np.ndarray:
    magnitude = np.array(found["magnitude"])
    return (magnitude > 17.5) & (magnitude < 20.0)


def _scores(measured: dict) -> str:
    thresholds = measured["scores"]["thresholds"]
    sets = [
        ("embedded, 17.5 < i < 20", measured["scores"]["embedded"], _bright(measured["embedded"])),
        ("real galaxies, 17.5 < i < 20", measured["galaxies"]["scores"], np.array(measured["is_galaxy"])),
        ("the 81 peaks, most of them fainter", measured["whole"]["scores"], slice(None)),
    ]
    rows = []
    for title, scores, chosen in sets:
        cells = []
        for band in "gri":
            values = np.array(scores[band])[chosen]
            above = int((values >= thresholds[band]).sum())
            cells.append(f"{_spread(values, 3)}; {above} of {len(values)} above")
        rows.append([title, *cells])
    rows.append(["2 sigma threshold of the embedded survey", *(f"{thresholds[band]:.3f}" for band in "gri")])
    return markdown(["S_anom, median (16 to 84 %)", *"gri"], rows)


def _nuclei(measured: dict) -> str:
    whole = measured["whole"]
    saturated, clipped = np.array(whole["saturated"]), np.array(whole["n_clipped"]) > 0
    rows = [
        ["peaks with a full 64x64", str(len(saturated))],
        ["of them with a full margin (96x96)", str(int(np.sum(whole["is_whole"])))],
        ["with a saturated nucleus (no weight at the peak)", str(int(saturated.sum()))],
        ["with pixels of the disc clipped by the stretch", str(int(clipped.sum()))],
        ["saturated and clipped", str(int((saturated & clipped).sum()))],
    ]
    return markdown(["stamps", "n"], rows)
