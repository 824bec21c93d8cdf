"""What takes longer to show of the five policies: every never holds over its whole space of decisions."""

import pytest

from avow.decide.space import prove
from avow.policy.model import Never
from tests.policy.five import SITES, policy_of, table_of


@pytest.mark.parametrize("site", SITES)
def test_every_never_is_proved_over_its_whole_space(site: str) -> None:
    policy = policy_of(site)
    proofs = prove(policy, table_of(site))
    assert [proof for proof in proofs if not proof.proved] == []
    assert all(proof.decisions > 0 for proof in proofs)
    forbidding = {p.id for p in policy.promises if any(isinstance(c, Never) and not c.otherwise for c in p.clauses)}
    assert forbidding <= {proof.promise for proof in proofs}
