"""The page's sections in the paper's order, and what stands in each."""

from dataclasses import dataclass, field

from swimmy_db.report.candidates import CandidateList
from swimmy_db.report.cells import HtmlTable
from swimmy_db.report.figure import Drawn, why_not
from swimmy_db.report.material import Material
from swimmy_db.report.tables import (
    best_checkpoint,
    cut_flow,
    numbers,
    or_reason,
    run_overlap,
    stability,
    table1,
    table2,
    table4,
    table5,
)

NO_LABELS = "this survey has no catalogue of quasars or emission lines to compare with."


@dataclass(frozen=True)
class Section:
    """A section: the paper's number and title, one sentence, and its blocks in order."""

    number: str
    title: str
    text: str
    blocks: list[Drawn | HtmlTable | CandidateList] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        return "section-" + self.number.replace(".", "-").replace(" ", "")


def make_sections(
    material: Material,
    drawn: dict[str, Drawn],
    candidates: CandidateList | None,
    colour_candidates: CandidateList | None,
) -> list[Section]:
    """All sections; a block that has nothing to show says why."""

    def said(*sections: str) -> list[HtmlTable]:
        tables = [numbers(material, section) for section in sections]
        return [table for table in tables if table.rows]

    def figures(*numbers: int) -> list[Drawn]:
        return [drawn[f"figure{number}"] for number in numbers if f"figure{number}" in drawn]

    def listing(found: CandidateList | None, name: str, title: str, otherwise: str) -> CandidateList | HtmlTable:
        table = f"paper.{name}"
        return found or HtmlTable(name, title, (table,), reason=why_not(material, table, otherwise))

    listed = listing(candidates, "table3", "Table 3: the candidates", "nothing is selected.")
    colour_listed = listing(
        colour_candidates, "table6", "Table 6: candidates of the colour sample", "there is no colour sample."
    )
    return [
        Section(
            "2.1",
            "The sample",
            "Which objects of the catalogue are looked at, and which of them train the network (sections 2.1 and 2.2).",
            [
                or_reason(cut_flow(material), material, "no cut was made."),
                *figures(1),
                or_reason(table1(material), material, "the sample is empty."),
                *said("2.1", "2.2"),
            ],
        ),
        Section("2.3", "Data cubes", "How flux becomes what the network sees.", figures(2)),
        Section("3.1", "The network", "A denoising autoencoder that learns ordinary galaxies.", figures(3, 4)),
        Section(
            "3.2",
            "Selection of anomalies",
            "A galaxy is a candidate where the network fails at its centre: its score is in the top 5 % of a band, "
            "and light is in excess there.",
            [
                *figures(5),
                or_reason(table2(material), material, "nothing is selected."),
                *said("3.2"),
                *figures(6, 7),
                listed,
            ],
        ),
        Section(
            "4.1",
            "Validation with quasars and emission lines",
            "Whether what is known to be strange is found.",
            [*figures(8, 9), *said("4.1")],
        ),
        Section(
            "4.2",
            "Active nuclei of other catalogues",
            "Candidates among the quasars and AGNs that the Milliquas catalogue collects.",
            [or_reason(table4(material), material, NO_LABELS), *said("4.2")],
        ),
        Section(
            "4.3",
            "What the candidates are like",
            "Redshift, line strength, brightness, stellar mass and star formation.",
            [*figures(10, 11, 12, 13), *said("4.3")],
        ),
        Section("4.4", "The most anomalous", "Candidates at 3 σ and above.", [*figures(14, 15), *said("4.4")]),
        Section(
            "app. 1",
            "Model selection",
            "Which weights were published, and how far the answer depends on them.",
            [
                or_reason(best_checkpoint(material), material, NO_LABELS),
                or_reason(table5(material), material, "no run is finished."),
                *figures(16),
                *said("app. 1"),
                or_reason(stability(material), material, "no checkpoint is scored."),
                or_reason(run_overlap(material), material, "there is one run only."),
            ],
        ),
        Section("app. 2", "Negative residuals", "High scores that are no candidates.", [*figures(17), *said("app. 2")]),
        Section(
            "app. 3",
            "Colour-selected galaxies",
            "The same search among galaxies without a redshift, with the same weights.",
            [*figures(18), *said("app. 3"), *figures(19), colour_listed],
        ),
    ]
