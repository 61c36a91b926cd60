"""Who is selected: one seed's sample with its truth, and k of n in every group that the page reports."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

Counts = dict[str, tuple[int, int]]
EW_BINS = (0.0, 20.0, 50.0, 100.0, 150.0, 250.0, 500.0, np.inf)
SHARE_BINS = (0.0, 0.05, 0.1, 0.2, 0.4, 1.0)
MAGNITUDE_BINS = (0.0, 16.0, 17.0, 18.0, 19.0, 20.0)
RATIO_BINS = (0.0, 0.05, 0.1, 0.3, 1.0, np.inf)
LINE_GROUPS = {"oii": "[O II]", "hbeta_oiii": "Hb + [O III]", "halpha_nii": "Ha + [N II]"}
NUCLEI = ("dr16q", "milliquas_quasar", "type1")
CLASS_MASKS: dict[str, Callable[[pl.DataFrame], pl.Series]] = {
    "XELG": lambda o: o["class"] == "xelg",
    "DR16Q": lambda o: o["class"] == "dr16q",
    "Milliquas quasar": lambda o: (o["class"] != "dr16q") & (o["milliquas_class"] == "quasar"),
    "type I": lambda o: (o["class"] != "dr16q") & (o["milliquas_class"] == "type_i"),
    "type II": lambda o: (o["class"] != "dr16q") & (o["milliquas_class"] == "type_ii"),
    "LINER, composite": lambda o: o["class"] == "agn_liner_composite",
    "training": lambda o: o["class"] == "training",
    "other spec-z": lambda o: o["class"] == "other_specz",
    "whole sample": lambda o: o["object_id"].is_not_null(),
}


@dataclass(frozen=True)
class Sample:
    """objects: one row per scored object, ascending by object_id, truth included. bands: the selection bands."""

    objects: pl.DataFrame
    bands: tuple[str, ...]

    def rows_of(self, object_ids: np.ndarray) -> np.ndarray:
        """Row of each object_id. Raises KeyError for one that is not in the sample."""
        ids = self.objects["object_id"].to_numpy()
        rows = np.searchsorted(ids, object_ids).clip(max=len(ids) - 1)
        if not np.array_equal(ids[rows], object_ids):
            raise KeyError(f"{int((ids[rows] != object_ids).sum())} objects are not in the sample")
        return rows

    def selection(self, object_ids: np.ndarray, bands: np.ndarray) -> np.ndarray:
        """(object, band) bool from the pairs of object and band that are above threshold with a positive residual."""
        chosen = np.zeros((len(self.objects), len(self.bands)), bool)
        for position, band in enumerate(self.bands):
            chosen[self.rows_of(object_ids[bands == band]), position] = True
        return chosen


def mask_of(values: pl.Series) -> np.ndarray:
    """A polars condition as bool, NULL as false."""
    return values.fill_null(False).to_numpy()


def class_masks(objects: pl.DataFrame) -> dict[str, np.ndarray]:
    return {name: mask_of(rule(objects)) for name, rule in CLASS_MASKS.items()}


def binned(objects: pl.DataFrame, column: str, edges: tuple[float, ...], among: np.ndarray) -> dict[str, np.ndarray]:
    """Masks of `among` by bins (low, high] of a column."""
    values = objects[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
    masks = {}
    for low, high in itertools.pairwise(edges):
        name = f"{low:g} - {high:g}" if np.isfinite(high) else f"> {low:g}"
        masks[name] = among & (values > low) & (values <= high)
    return masks


def group_masks(objects: pl.DataFrame) -> dict[str, dict[str, np.ndarray]]:
    """Table -> group -> mask (n,) of its members."""
    classes = class_masks(objects)
    lines = mask_of(objects["xelg_ew"].is_not_null()) & ~classes["DR16Q"]
    planted = mask_of(objects["xelg_planted"])
    nuclei = mask_of(objects["kind"].is_in(NUCLEI))
    ordinary = mask_of(objects["kind"] == "galaxy")
    strong = {group: mask_of(objects[f"ew_{group}"] > 100.0) for group in LINE_GROUPS}
    n_strong = sum(mask.astype(int) for mask in strong.values())
    xelg = classes["XELG"]
    by_line = {label: xelg & strong[group] for group, label in LINE_GROUPS.items()}
    by_line |= {f"{label} alone": xelg & strong[group] & (n_strong == 1) for group, label in LINE_GROUPS.items()}
    by_line |= {"two or three groups": xelg & (n_strong > 1)}
    origin = {
        "planted": xelg & planted,
        "in the template alone": xelg & mask_of(objects["kind"].is_in(["galaxy", "chance", "merger"])),
        "other planted lines (AGN, decoys)": xelg
        & ~planted
        & ~mask_of(objects["kind"].is_in(["galaxy", "chance", "merger"])),
    }
    places = {
        str(place).replace("_", " "): planted & mask_of(objects["line_place"] == place)
        for place in sorted(objects.filter(pl.col("kind") == "xelg")["line_place"].unique().to_list())
    }
    kinds = {str(kind): mask_of(objects["kind"] == kind) for kind in sorted(objects["kind"].unique().to_list())}
    artefacts = sorted(set(objects["artefact"].drop_nulls().to_list()) - {""})
    return {
        "class": classes,
        "EW": binned(objects, "xelg_ew", EW_BINS, lines),
        "EW, planted": binned(objects, "xelg_ew", EW_BINS, lines & planted),
        "line": by_line,
        "origin": origin,
        "place": places,
        "line share": binned(objects, "line_share", SHARE_BINS, planted),
        "i, training": binned(objects, "i_mag", MAGNITUDE_BINS, classes["training"] & ordinary),
        "i, other spec-z": binned(objects, "i_mag", MAGNITUDE_BINS, classes["other spec-z"] & ordinary),
        "nucleus to host": binned(objects, "nucleus_to_host", RATIO_BINS, nuclei),
        "kind": kinds,
        "artefact": {name: mask_of(objects["artefact"] == name) for name in artefacts},
    }


def count_groups(chosen: np.ndarray, masks: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Counts]:
    """(k, n) of every group, chosen (n,) bool."""
    return {
        table: {name: (int((chosen & mask).sum()), int(mask.sum())) for name, mask in groups.items()}
        for table, groups in masks.items()
    }


def count_bands(sample: Sample, chosen: np.ndarray) -> dict[str, Counts]:
    """(k, n) band by band, chosen (n, band): of each class, and of XELGs with EW_band > 100 Angstrom in that band."""
    classes = class_masks(sample.objects)
    tables: dict[str, Counts] = {}
    for position, band in enumerate(sample.bands):
        mine = chosen[:, position]
        strong = classes["XELG"] & mask_of(sample.objects[f"ew_band_{band}"] > 100.0)
        tables[f"class, {band}"] = {name: (int((mine & m).sum()), int(m.sum())) for name, m in classes.items()}
        tables["EW_band > 100, in that band"] = tables.get("EW_band > 100, in that band", {}) | {
            band: (int((mine & strong).sum()), int(strong.sum()))
        }
        tables["EW_band > 100, in any band"] = tables.get("EW_band > 100, in any band", {}) | {
            band: (int((chosen.any(axis=1) & strong).sum()), int(strong.sum()))
        }
    return tables


def add_counts(parts: list[dict[str, Counts]]) -> dict[str, Counts]:
    """The seeds' counts added up; a group that one seed lacks counts as none there."""
    total: dict[str, Counts] = {}
    for part in parts:
        for table, groups in part.items():
            for name, (k, n) in groups.items():
                before = total.setdefault(table, {}).get(name, (0, 0))
                total[table][name] = (before[0] + k, before[1] + n)
    return total
