"""`swimmy report`: the paper's tables and figures of a workspace as one page, with figures and catalogues beside it."""

import json
import os
import shutil
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from swimmy_db.catalog import Catalog, open_catalog
from swimmy_db.pipeline.query import answer
from swimmy_db.pipeline.report_mark import MADE_FROM, Written, described, package_versions, report_mark, written_from
from swimmy_db.workspace import Workspace

CATALOGUES = ("table3", "table6")  # lists that are published
CATALOGUE_FORMATS = (".fits", ".vot", ".mrt", ".csv")
TITLES = {"table3": "Table 3: the candidates", "table6": "Table 6: candidates of the colour sample"}
PNG_SCALE = {True: 2.0, False: 1.0}  # of charts and of stamps, whose pixels are what they are

Progress = Callable[[str, int, int], None]


def write_report(
    workspace: Workspace,
    folder: Path | None = None,
    with_exports: bool = True,
    progress: Progress = lambda what, done, total: None,
    force: bool = False,
) -> Written:
    """Write index.html into `folder` (default: the workspace's report/), with figures/ and tables/ beside it.

    The folder is replaced at once when everything is written. with_exports: also PDF, PNG and catalogues. A report of
    the same tables, settings and code is left as it is; force: it is written again.
    Raises NotReady where no candidates have been selected yet.
    """
    from swimmy_db.report.figure import draw_figure
    from swimmy_db.report.figures import FIGURES
    from swimmy_db.report.page import Page, render
    from swimmy_db.report.sections import make_sections

    folder = (folder or workspace.report).absolute()
    with open_catalog(workspace) as catalog:
        catalog.require("model.best_checkpoint", "pipeline")
        mark = report_mark(catalog, with_exports)
        if not force and (there := written_from(folder, mark)):
            return there
        main, colour = materials(workspace, catalog)
        drawn = {}
        for place, figure in enumerate(FIGURES.values()):
            progress("figures", place, len(FIGURES))
            material = colour if figure.of_colour_sample and colour is not None else main
            drawn[figure.name] = draw_figure(figure, material)
        progress("figures", len(FIGURES), len(FIGURES))
        listed = {"table3": _listed(catalog, main, "table3", progress), "table6": None}
        if colour is not None:
            listed["table6"] = _listed(catalog, colour, "table6", progress)

        staging = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
        staging.mkdir(parents=True)
        try:
            exports = _write_exports(catalog, drawn, staging, progress) if with_exports else {}
            survey = catalog.value("select survey || ' ' || release from meta.workspace")
            page = Page(
                survey,
                main.is_simulated,
                introduction(catalog, main),
                tiles(catalog, main),
                make_sections(main, drawn, listed["table3"], listed["table6"]),
                provenance(workspace, catalog),
                exports,
            )
            (staging / "index.html").write_text(render(page, catalog), encoding="utf-8")
            kept = {
                "made_from": mark,
                "drawn": [name for name, figure in drawn.items() if not figure.reason],
                "missing": {name: figure.reason for name, figure in drawn.items() if figure.reason},
            }
            (staging / MADE_FROM).write_text(json.dumps(kept), encoding="utf-8")
            _replace(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return described(folder, is_new=True)


def materials(workspace: Workspace, catalog: Catalog) -> tuple[Any, Any]:
    """What the figures of the main sample are drawn from, and of the colour sample, None where there is none."""
    from swimmy_db.pipeline.report_pixels import WorkspacePixels
    from swimmy_db.report.material import Material

    settings = workspace.settings()
    pixels = WorkspacePixels(workspace, catalog)
    simulated = bool(catalog.value("select is_simulated from meta.workspace"))
    found = {}
    table = "model.published" if catalog.has("model.published") else "model.best_checkpoint"
    for sample, checkpoint_id, experiment in catalog.rows(f"select sample, checkpoint_id, experiment from {table}"):
        found[sample] = Material(
            catalog,
            pixels,
            sample,
            checkpoint_id,
            experiment,
            settings.band_names,
            settings.selection_bands,
            pixels.aperture_radius,
            simulated,
            f"{settings.survey} {settings.release}",
        )
    main = next((found[name] for name in ("specz", "own") if name in found), next(iter(found.values())))
    colour = found.get("colour")
    return main, None if colour is main else colour


def introduction(catalog: Catalog, material: Any) -> str:
    """One paragraph: what was searched for what, and what the figures compare with."""
    members = catalog.value("select count(*) from survey.sample_members where sample = ?", [material.sample])
    runs, checkpoints = catalog.rows(
        "select count(distinct run), count(*) from model.checkpoints inner join model.runs using (run_id) "
        "where experiment = ?",
        [material.experiment],
    )[0]
    return (
        f"{members:,} galaxies of the sample “{material.sample}” in the bands {', '.join(material.bands)}; an "
        f"autoencoder trained {runs} times, {checkpoints} saved weights; candidates are those that it cannot "
        f"reproduce at the centre in {', '.join(material.selection_bands)}. Tables and figures follow Tanaka et al., "
        "whose numbers (49,319 galaxies of HSC-SSP PDR3) stand beside ours."
    )


def tiles(catalog: Catalog, material: Any) -> list[Any]:
    """The headline numbers, from paper.table2; of the whole sample alone where there are no labels."""
    from swimmy_db.report.page import Tile

    found = []
    rows = [row for row in material.published("paper.table2") if row["bands"] == "total"]
    labels = {"all": "galaxies selected", "dr16q": "DR16Q quasars selected", "xelg": "XELGs selected"}
    for row in sorted(rows, key=lambda row: list(labels).index(row["class"])):
        theirs = "" if row["paper_fraction"] is None else f"; the paper's {100 * row['paper_fraction']:.1f} %"
        note = f"{row['our_n']:,} of {row['our_total']:,}{theirs}"
        found.append(Tile(labels[row["class"]], f"{100 * row['our_fraction']:.1f} %", note))
    if "n_checkpoints_selecting" in material.columns("model.candidates"):
        agreed = catalog.rows(
            "select count(*) filter (where c.n_checkpoints_selecting >= 0.5 * b.n_checkpoints), count(*), "
            "max(b.n_checkpoints) from model.candidates c inner join model.best_checkpoint b "
            "using (sample, checkpoint_id, aperture) where sample = ? and checkpoint_id = ? and aperture = 'disc'",
            [material.sample, material.checkpoint_id],
        )[0]
        if agreed[1]:
            note = f"{agreed[0]:,} of {agreed[1]:,} candidates, by at least half of {agreed[2]} checkpoints"
            found.append(Tile("candidates that most weights agree on", f"{100 * agreed[0] / agreed[1]:.1f} %", note))
    return found


def provenance(workspace: Workspace, catalog: Catalog) -> Any:
    """Stages, trainings, files, settings and versions, as the tables of meta and model have them."""
    from swimmy_db.report.page import Provenance

    def shown(sql: str) -> list[dict[str, Any]]:
        return [{name: _shown(name, value) for name, value in row.items()} for row in catalog.arrow(sql).to_pylist()]

    settings = [
        {
            "name": row["name"],
            "value": _plain(row["value"], row["text"]),
            "default": _plain(_as_number(row["default_value"]), row["default_value"]),
            "unit": row["unit"],
            "section": row["section"],
            "what it decides": row["description"],
        }
        for row in catalog.arrow("from meta.settings").to_pylist()
    ]
    return Provenance(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        shown(
            "select stage, finished, round(seconds, 1) as seconds, rows_made as rows, code_version as code, "
            "fingerprint[:12] as fingerprint from meta.stages order by finished"
        ),
        shown(
            "select run_id as run, latent_dim as d, noise_std as r_gauss, epochs, batch_size as batch, seed, n_train, "
            "n_validation, precision, device, threads, torch_version as torch, round(seconds, 1) as seconds "
            "from model.runs order by run_id"
        ),
        [{name: _shown(name, value) for name, value in row.items()} for row in answer(catalog, "report_files") or []],
        sorted(settings, key=lambda row: (row["value"] == row["default"], row["name"])),
        package_versions(),
        answer(catalog, "acknowledgements") or [],
    )


def acknowledgements(workspace: Workspace) -> list[dict[str, Any]]:
    """What the archives whose files are in the workspace ask to be printed. Raises NotReady without a survey."""
    with open_catalog(workspace) as catalog:
        return answer(catalog, "acknowledgements") or []


def _listed(catalog: Catalog, material: Any, name: str, progress: Progress) -> Any:
    """The list of candidates with stamps; table 6 is of the highest level only. None where there are no rows."""
    from swimmy_db.report.candidates import candidate_list

    if name == "table6":
        rows = [{**row, "bands": row["band"]} for row in material.published("paper.table6")]
        rows.sort(key=lambda row: (-(row["max_sigma"] or 0.0), row["object_id"]))
    else:
        rows = answer(catalog, "report_candidates", [material.sample, material.checkpoint_id]) or []
    if not rows:
        return None
    return candidate_list(name, TITLES[name], rows, material, lambda done, total: progress("stamps", done, total))


def _write_exports(catalog: Catalog, drawn: dict[str, Any], folder: Path, progress: Progress) -> dict[str, list[str]]:
    """figures/*.pdf, *.png and tables/*: paths relative to the page, by the name of what they hold."""
    import vl_convert

    from swimmy_db.report.exports import export_table

    exports: dict[str, list[str]] = {}
    wanted = [(name, figure) for name, figure in drawn.items() if not figure.reason]
    for kind in ("figures", "tables"):
        (folder / kind).mkdir()
    for place, (name, figure) in enumerate(wanted):
        progress("exports", place, len(wanted))
        drawing = vl_convert.vegalite_to_svg(json.dumps(figure.specification))
        (folder / "figures" / f"{name}.pdf").write_bytes(vl_convert.svg_to_pdf(drawing))
        (folder / "figures" / f"{name}.png").write_bytes(
            vl_convert.svg_to_png(drawing, scale=PNG_SCALE[figure.sheet is None])
        )
        exports[name] = [f"figures/{name}.{kind}" for kind in ("pdf", "png")]
    progress("exports", len(wanted), len(wanted))
    for name in CATALOGUES:
        if not catalog.has(f"paper.{name}") or not catalog.value(f"select count(*) from paper.{name}"):
            continue
        for suffix in CATALOGUE_FORMATS:
            export_table(catalog, f"paper.{name}", folder / "tables" / f"{name}{suffix}")
        exports[name] = [f"tables/{name}{suffix}" for suffix in CATALOGUE_FORMATS]
    return exports


def _replace(staging: Path, folder: Path) -> None:
    """Put the new folder in the old one's place; a reader sees the one or the other."""
    if folder.exists():
        old = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
        os.rename(folder, old)
        os.rename(staging, folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.rename(staging, folder)


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if name == "bytes" and value is not None:
        return f"{value / 1e6:,.1f} MB"
    # seeds and ids are names, not amounts
    return str(value) if name == "seed" else value


def _as_number(text: str | None) -> float | None:
    if text in ("True", "False"):
        return float(text == "True")
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _plain(value: float | None, text: str | None) -> str:
    return f"{value:g}" if value is not None else (text or "not applied")
