"""What is known of a table that leaves the database: its name, its columns' units and meanings, simulated or not."""

from dataclasses import dataclass, field
from difflib import get_close_matches

from swimmy_db.catalog import SCHEMAS, Catalog
from swimmy_db.contracts import Column, contracts_of, load_contract
from swimmy_db.errors import UsageError


@dataclass(frozen=True)
class About:
    """What travels with a table: its name, one row per what, its columns' units and meanings, simulated or not."""

    name: str
    description: str = ""
    columns: dict[str, Column] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    simulated: bool = False


def about_query(catalog: Catalog) -> About:
    """What can be said of a query's result: only whether the survey is simulated."""
    return About("query", simulated=is_simulated(catalog))


def is_simulated(catalog: Catalog) -> bool:
    return bool(catalog.value("select is_simulated from meta.workspace"))


def bands_of(catalog: Catalog) -> tuple[str, ...]:
    return tuple(band for (band,) in catalog.rows("select band from survey.bands order by position"))


def find_table(catalog: Catalog, table: str) -> About:
    """What `schema.table` is, from its contract. Raises UsageError naming the nearest tables for an unknown one."""
    known = [
        f"{schema}.{name}"
        for schema, name in catalog.rows(
            "select table_schema, table_name from information_schema.tables where table_schema = any(?) order by all",
            [list(SCHEMAS[:-1])],
        )
    ]
    wanted = table.lower()
    if wanted not in known:
        by_name = {name.partition(".")[2]: name for name in known}
        near = [by_name[wanted]] if wanted in by_name else []
        near += [name for name in get_close_matches(wanted, known, n=4, cutoff=0.5) if name not in near]
        near += [by_name[name] for name in get_close_matches(wanted, by_name, n=3) if by_name[name] not in near]
        raise UsageError(
            f"no table named {table}; {'near it: ' + ', '.join(near) if near else 'there are: ' + ', '.join(known)}"
        )
    if wanted not in contracts_of(wanted.partition(".")[0]):
        return About(wanted, simulated=is_simulated(catalog))
    contract = load_contract(wanted, bands_of(catalog))
    return About(wanted, contract.description, dict(contract.columns), contract.key, is_simulated(catalog))
