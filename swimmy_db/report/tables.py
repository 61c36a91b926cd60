"""The paper's tables and numbers, ours beside theirs, as headings and cells that a template can print."""

from collections.abc import Callable

from swimmy_db.report.cells import Cell, HtmlTable, bounds, count, number, percent, share_of, words
from swimmy_db.report.figure import why_not
from swimmy_db.report.material import Material


def cut_flow(material: Material) -> HtmlTable:
    rows = material.rows("survey.cut_flow")
    strict = {row["step"]: row["is_strict"] for row in material.rows("survey.cuts")}
    first = max((row["n_before"] for row in rows), default=1) or 1
    return HtmlTable(
        "cut-flow",
        "Cut flow: what each condition leaves",
        ("survey.cut_flow", "survey.cuts"),
        ["", "cut", "dropped", "left", "kept where", "section"],
        [
            [
                count(row["step"]),
                words(row["cut"]),
                count(row["n_before"] - row["n_after"]),
                count(row["n_after"], row["n_after"] / first),
                words(limit(row, strict[row["step"]])),
                words(row["section"]),
            ]
            for row in rows
        ],
        "An object is counted at the first condition that it fails.",
        is_long=True,
    )


def limit(row: dict, strict: bool) -> str:
    """The condition for keeping: `0.05 < redshift < 0.2`, `is primary ≥ 1`."""
    less, more = ("<", ">") if strict else ("≤", "≥")
    unit = f" {row['unit']}" if row["unit"] else ""
    lower, upper, quantity = row["lower_limit"], row["upper_limit"], row["quantity"]
    if lower is not None and upper is not None:
        return f"{lower:g} {less} {quantity} {less} {upper:g}{unit}"
    if lower is not None:
        return f"{quantity} {more} {lower:g}{unit}"
    return f"{quantity} {less} {upper:g}{unit}" if upper is not None else f"{quantity} known"


def table1(material: Material) -> HtmlTable:
    rows = material.rows("paper.table1")
    blind = any(row["position"] == 1 for row in rows) and is_blind(material)
    note = " This search is blind: without MPA-JHU nothing can be told apart, and all galaxies train." if blind else ""
    return HtmlTable(
        "table1",
        "Table 1: the data",
        ("paper.table1",),
        ["data", "ours", "share", "95 %", "the paper's", "its share"],
        [
            [
                words(row["label"]),
                count(row["our_n"]),
                percent(row["our_fraction"]),
                bounds(row["our_fraction_lower"], row["our_fraction_upper"]),
                count(row["paper_n"]),
                percent(row["paper_fraction"]),
            ]
            for row in rows
        ],
        f"Compare shares, not numbers: surveys differ in size.{note}",
    )


def is_blind(material: Material) -> bool:
    """Whether galaxies train although no catalogue says that they are ordinary."""
    found = (
        "select bool_or(is_training) and not bool_or(has_mpa_jhu) from survey.classes "
        "inner join survey.sample_members using (object_id) where sample = ?"
    )
    return bool(material.catalog.value(found, [material.sample]))


COLOUR_SECTION = "app. 3"  # its numbers are of the colour sample too
CLASSES = {"all": "test data", "dr16q": "DR16Q quasars", "xelg": "XELGs"}


def table2(material: Material) -> HtmlTable:
    rows = material.published("paper.table2")
    totals = {row["class"]: row["our_total"] for row in rows}
    classes = [name for name in CLASSES if name in totals]
    headings = ["bands"]
    for name in classes:
        headings += [f"{CLASSES[name]} (N = {totals[name]:,})", "the paper's"]
    lines = []
    for bands in dict.fromkeys(row["bands"] for row in rows):
        of_class = {row["class"]: row for row in rows if row["bands"] == bands}
        line = [words(bands)]
        for name in classes:
            row = of_class.get(name)
            line += [
                share_of(row["our_n"], row["our_fraction"]) if row else Cell(""),
                share_of(row["paper_n"], row["paper_fraction"]) if row else Cell(""),
            ]
        lines.append(line)
    return HtmlTable("table2", "Table 2: galaxies selected as anomalies", ("paper.table2",), headings, lines)


def table4(material: Material) -> HtmlTable:
    rows = material.published("paper.table4")
    places = [*material.bands, "total"]
    columns = sorted({row["selected_in"] for row in rows}, key=places.index)
    headings = ["Milliquas class", "N", "the paper's N"]
    for name in columns:
        headings += [name, "the paper's"]
    lines = []
    for position in sorted({row["position"] for row in rows}):
        of_column = {row["selected_in"]: row for row in rows if row["position"] == position}
        first = next(iter(of_column.values()))
        line = [words(first["label"]), count(first["our_total"]), count(first["paper_total"])]
        for name in columns:
            row = of_column.get(name)
            line += [
                share_of(row["our_n"], row["our_fraction"], 0) if row else Cell(""),
                share_of(row["paper_n"], row["paper_fraction"], 0) if row else Cell(""),
            ]
        lines.append(line)
    caption = "DR16Q quasars are left out, as in the paper."
    return HtmlTable("table4", "Table 4: matches with Milliquas", ("paper.table4",), headings, lines, caption)


def table5(material: Material) -> HtmlTable:
    def scattered(row: dict, name: str, form: Callable[[float], str]) -> Cell:
        value, scatter = row[name], row[f"{name}_scatter"]
        if value is None:
            return Cell("")
        return Cell(form(value) + (f" ± {form(scatter)}" if scatter is not None else ""), value)

    rows = material.all_samples("paper.table5")
    trained = [row for row in rows if row["n_runs"]]
    untrained = sum(1 for row in rows if row["is_in_papers_grid"] and not row["n_runs"])
    thousandths, shares = lambda v: f"{1e3 * v:.3f}", lambda v: f"{100 * v:.1f}"
    lines = [
        [
            number(row["latent_dim"], "d"),
            number(row["noise_std"], "g"),
            words(row["experiment"]),
            count(row["n_runs"]),
            scattered(row, "train_loss", thousandths),
            scattered(row, "validation_loss", thousandths),
            scattered(row, "rate_dr16q", shares),
            scattered(row, "rate_xelg", shares),
            words("the paper's choice" if row["is_papers_choice"] else ""),
        ]
        for row in trained
    ]
    headings = ["d", "r_gauss", "experiment", "runs", "training loss [10⁻³]", "validation loss [10⁻³]"]
    headings += ["DR16Q selected [%]", "XELGs selected [%]", ""]
    caption = "Mean over the saved epochs of each run, then mean and standard deviation of the runs."
    if untrained:
        caption += (
            f" {untrained} more settings of the paper's grid are not trained here: swimmy train --grid trains those "
            "that differ in one value, --latent-dim and --noise-std any."
        )
    return HtmlTable(
        "table5", "Table 5: settings of the network", ("paper.table5",), headings, lines, caption, "", True
    )


def best_checkpoint(material: Material) -> HtmlTable:
    """What choosing by labels adds: the published checkpoint beside the median of all."""
    rows = [row for row in material.published("model.best_checkpoint") if row["aperture"] == "disc"]
    lines = []
    for row in rows:
        for name, label in (("dr16q", "DR16Q quasars"), ("xelg", "XELGs"), ("all", "all galaxies")):
            if row[f"rate_{name}"] is not None:
                best, median = row[f"rate_{name}"], row[f"median_rate_{name}"]
                lines.append([words(label), percent(best), percent(median)])
    chosen = rows[0] if rows else None
    caption = f"{chosen['checkpoint_id']}, chosen of {chosen['n_checkpoints']} by {chosen['rule']}." if chosen else ""
    headings = ["selected", "published checkpoint", "median of all"]
    return HtmlTable("best", "The published checkpoint", ("model.best_checkpoint",), headings, lines, caption)


def stability(material: Material) -> HtmlTable:
    rows = [row for row in material.rows("paper.stability") if row["experiment"] == material.experiment]
    n_all = rows[0]["n_checkpoints"] if rows else 0
    steps = [("all", 1.0), ("75 % or more", 0.75), ("50 % or more", 0.5), ("25 % or more", 0.25), ("at least one", 0.0)]
    lines = []
    for label, least in steps:
        kept = [row for row in rows if row["n_checkpoints_selecting"] >= max(least * n_all, 1)]
        lines.append(
            [
                words(label),
                count(sum(row["n_galaxies"] for row in kept)),
                count(sum(row["n_candidates"] for row in kept)),
            ]
        )
    headings = ["selected by", "galaxies", "candidates of the published checkpoint"]
    caption = f"{n_all} checkpoints are compared. The paper does not say how far its runs agree."
    return HtmlTable(
        "stability", "Stability of the selection", ("paper.stability",), headings, lines if rows else [], caption
    )


def run_overlap(material: Material) -> HtmlTable:
    rows = [row for row in material.rows("paper.run_overlap") if row["experiment"] == material.experiment]
    lines = [
        [
            words(f"{row['run_a']} and {row['run_b']}"),
            count(row["n_a"]),
            count(row["n_b"]),
            count(row["n_both"]),
            number(row["expected_both"], ".1f"),
            number(row["jaccard"], ".2f"),
        ]
        for row in rows
    ]
    headings = ["runs", "candidates of one", "of the other", "of both", "by chance", "both / either"]
    caption = "Each run at its last scored epoch."
    return HtmlTable("overlap", "Overlap between runs", ("paper.run_overlap",), headings, lines, caption)


def numbers(material: Material, section: str) -> HtmlTable:
    """The numbers that the text of a section quotes, shares with a picture of ours, its interval and the paper's."""
    rows = [row for row in material.all_samples("paper.numbers") if row["section"] == section]
    if section != COLOUR_SECTION:
        rows = [row for row in rows if row["sample"] == material.sample]
    rows = [row for row in rows if row["checkpoint_id"] in _checkpoints(material)]
    shares = [row for row in rows if row["kind"] == "fraction"]
    seen = [row[name] for row in shares for name in ("our_value", "our_value_upper", "paper_value") if row[name]]
    # the pictures of a table share one scale, which ends at a round share above all of them
    end = next((share for share in (0.05, 0.1, 0.2, 0.5) if share > 1.1 * max(seen, default=0)), 1.0)

    def picture(row: dict) -> Cell:
        if row["kind"] == "value" or row["our_value"] is None:
            return Cell("")
        drawn = (row["our_value"], row["our_value_lower"], row["our_value_upper"], row["paper_value"])
        return Cell("", row["our_value"], interval=tuple(None if v is None else v / end for v in drawn))

    def value(row: dict, name: str) -> Cell:
        return percent(row[name]) if row["kind"] == "fraction" else number(row[name], ".3g")

    def absent(row: dict) -> str:
        return f"not here: {row['reason']}" if row["reason"] else ""

    lines = [
        [
            Cell(row["name"], row["name"], note="; ".join(filter(None, (row["note"], absent(row))))),
            value(row, "paper_value"),
            value(row, "our_value") if row["our_value"] is not None else Cell("none"),
            picture(row),
            words(_counted(row)),
        ]
        for row in rows
    ]
    headings = ["number", "the paper's", "ours", f"0 to {100 * end:g} %: ours ●, the paper's ◇", "counted"]
    name = f"numbers-{section}".replace(" ", "").replace(".", "-")
    made_by = {row["sql_file"].rpartition("/")[2].removesuffix(".sql") for row in rows if "/paper/" in row["sql_file"]}
    files = sorted(f"paper.{name}" for name in made_by - {"numbers"})
    return HtmlTable(name, "Numbers in the text", ("paper.numbers", *files), headings, lines, is_long=len(lines) > 12)


def _checkpoints(material: Material) -> set[str | None]:
    """Published checkpoints of all samples, what appendix 1 compares them with, and none in particular."""
    if not material.catalog.has("model.best_checkpoint"):
        return {None}
    rows = material.catalog.rows(
        "select checkpoint_id, median_checkpoint_id from model.best_checkpoint where experiment = ?",
        [material.experiment],
    )
    return {None, *(checkpoint for row in rows for checkpoint in row)}


def _counted(row: dict) -> str:
    if row["our_n"] is None:
        return ""
    whole = "" if row["our_total"] is None else f" of {row['our_total']:,}"
    return f"{row['our_n']:,}{whole}".replace(" ", "\u00a0")


def or_reason(table: HtmlTable, material: Material, absent: str) -> HtmlTable:
    """The table, or one that says why it is empty."""
    if table.rows:
        return table
    made = all(material.catalog.has(name) for name in table.tables)
    reason = (
        why_not(material, table.tables[0], absent)
        if made
        else f"{table.tables[0]} is not made: `swimmy pipeline` makes it."
    )
    return HtmlTable(table.name, table.title, table.tables, reason=reason)
