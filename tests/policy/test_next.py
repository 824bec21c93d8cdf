"""The five policies have a version to come each, for whatever is tried with a change of promises."""

import pytest

from avow.decide.difference import difference
from avow.decide.faults import faults as space_faults
from avow.decide.space import prove
from avow.decide.table import compile_policy
from avow.policy import check
from tests.policy.five import SITES, next_of, policy_of


@pytest.mark.parametrize("site", SITES)
def test_the_version_to_come_has_no_fault_and_keeps_every_promise_that_there_was(site: str) -> None:
    old, new = policy_of(site), next_of(site)
    table = compile_policy(new)
    assert [*check.faults(new), *space_faults(new, table)] == []
    assert all(one.proved for one in prove(new, table))
    assert new.site == old.site
    assert new.version > old.version
    assert {promise.id for promise in old.promises} <= {promise.id for promise in new.promises}


@pytest.mark.parametrize("site", SITES)
def test_the_version_to_come_widens_something_narrows_something_and_rewords_something(site: str) -> None:
    change = difference(policy_of(site), next_of(site))
    assert change.widened
    assert change.narrowed
    assert change.words
