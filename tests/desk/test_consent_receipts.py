"""A receipt of each agreement: whole, in terms that exist, with its history as it stands in the log."""

import json
from pathlib import Path
from typing import Any

import pytest

from avow.desk.interface import LOOKS
from avow.errors import CallError, Denied, TooMany
from avow.ledger.entry import decode
from avow.policy.notice.statements import statement
from avow.practices.agreeing import CONFIRM_WITHIN
from tests.desk.beds import PASSWORD, Bed, desk
from tests.policy.test_notice import unknown

MAIL = "ada@quill.example"
MANDATORY = {  # of a record, by ISO/IEC TS 27560:2023 -> where the profile of DPV has it
    "schema version": "dct:conformsTo", "record id": "dct:identifier", "pii principal id": "dpv:hasDataSubject",
    "privacy notice": "dpv:hasNotice", "language": "dct:language", "pii controllers": "dpv:hasDataController",
    "jurisdiction": "dpv:hasJurisdiction", "withdrawal method": "dpv:hasConsentControl",
    "event state": "dpv:hasConsentStatus",
}  # fmt: skip
OF_THE_PROCESS = {
    "purpose": "dpv:hasPurpose", "lawful basis": "dpv:hasLegalBasis", "pii information": "dpv:hasPersonalData",
    "recipient third parties": "dpv:hasRecipient", "storage locations, retention": "dpv:hasStorageCondition",
}  # fmt: skip
OF_AN_EVENT = {
    "event time": "dpv:isIndicatedAtTime", "entity id": "dpv:isIndicatedBy", "event type": "dpv:hasIndicationMethod",
    "validity duration": "dpv:hasDuration",
}  # fmt: skip


async def ada(bed: Bed) -> str:
    """Somebody with a session, who asked a question."""
    await bed.desk.collect("contact", {"email": MAIL, "message": "When do you open?"})
    return await bed.desk.enter("email", MAIL, await bed.code(MAIL))


def states(receipt: dict[str, Any]) -> list[str]:
    """The history, in short."""
    return [
        one["@type"].removeprefix("dpv:Consent") for one in receipt["dpv:hasRecordOfActivity"]["dpv:hasConsentStatus"]
    ]


@pytest.mark.parametrize("site", ["aitoc", "aitpro", "audiomidi", "daminion"])
async def test_every_choice_that_a_policy_offers_has_a_whole_receipt(tmp_path: Path, site: str) -> None:
    async with desk(tmp_path, site) as bed:
        if site == "audiomidi":
            await bed.desk.collect("order", {"name": "Ada", "email": MAIL, "postal-address": "1 Lantern Lane"})
        session = await ada(bed)
        for one in await bed.desk.choices(session):
            words = statement(bed.policy, one["way"], one["purposes"], one["recipients"], one["categories"])
            await bed.desk.agree(session, one["id"], words)
        made = await bed.desk.consent_receipts(session)
        assert made
        for receipt in made:
            record = receipt["dpv:hasRecordOfActivity"]
            assert unknown(receipt) == set()
            assert receipt["dct:identifier"]
            assert [name for name, at in MANDATORY.items() if not record.get(at)] == []
            assert [name for name, at in OF_THE_PROCESS.items() if at not in record["dpv:hasProcess"]] == []
            assert record["dpv:hasProcess"]["dpv:hasPurpose"]
            assert record["dpv:hasProcess"]["dpv:hasPersonalData"]
            for event in record["dpv:hasConsentStatus"]:
                assert [name for name, at in OF_AN_EVENT.items() if not event.get(at)] == []
            assert record["dct:description"].startswith(bed.policy.controller.name)
            json.dumps(receipt)


async def test_a_receipt_tells_what_was_given_confirmed_and_withdrawn_and_its_entries_stand_in_the_log(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, "aitoc") as bed:
        session = await ada(bed)
        await bed.desk.agree(session, "TOC-6.newsletter", "Yes, the newsletter")
        bed.clock.forward(minutes=1)
        await bed.desk.withdraw(session, "TOC-6.newsletter")
        (receipt,) = await bed.desk.consent_receipts(session)
        assert states(receipt) == ["Requested", "Given", "Withdrawn"]
        await bed.shop.sequence_all()
        logged = {decode(bed.shop.log.entry(number)).event.hex(): decode(bed.shop.log.entry(number)).kind
                  for number in range(bed.shop.log.size)}  # fmt: skip
        history = receipt["dpv:hasRecordOfActivity"]["dpv:hasConsentStatus"]
        kinds = [logged[one["dct:identifier"]] for one in history]
        assert (kinds[0], kinds[-1]) == ("consent", "withdraw")
        assert bed.shop.verifier_key in receipt["dct:provenance"]


async def test_an_agreement_that_nobody_confirmed_permits_nothing_and_expires(tmp_path: Path) -> None:
    async with desk(tmp_path, "aitpro") as bed:
        await bed.desk.collect("contact", {"email": MAIL, "message": "News?"}, agreed={"AIT-13.updates": "Yes, news"})
        (who,) = await bed.shop.find("email", MAIL)
        (consent,) = (await bed.shop.export(who))["consents"]
        assert "consent/updates" not in (await bed.shop.standing(who))[0]
        bed.clock.forward(milliseconds=CONFIRM_WITHIN + 1)
        with pytest.raises(CallError, match="in time"):
            await bed.shop.confirm(who, consent["id"])
        assert "consent/updates" not in (await bed.shop.standing(who))[0]
        session = await bed.desk.enter("email", MAIL, await bed.code(MAIL))
        (receipt,) = await bed.desk.consent_receipts(session)
        assert states(receipt) == ["Requested", "Expired"]
        await bed.desk.agree(session, "AIT-13.updates", "Yes, news")
        assert "consent/updates" in (await bed.shop.standing(who))[0]
        assert [states(one) for one in await bed.desk.consent_receipts(session)] == [
            ["Requested", "Expired"], ["Requested", "Given"],
        ]  # fmt: skip


async def test_receipts_are_the_persons_own_and_count_as_looking(tmp_path: Path) -> None:
    async with desk(tmp_path, "daminion") as bed:
        mine = await bed.desk.register("registration", {"name": "Ada", "email": MAIL}, password=PASSWORD,
                                       agreed={"DAM-14.mailing-list": "Yes, the list"})  # fmt: skip
        other = await bed.desk.register("registration", {"name": "Bo", "email": "bo@x.example"}, password=PASSWORD)
        assert await bed.desk.consent_receipts(other) == []
        with pytest.raises(Denied):
            await bed.desk.consent_receipts("nobody")
        for _ in range(LOOKS):
            assert len(await bed.desk.consent_receipts(mine)) == 1
        with pytest.raises(TooMany):
            await bed.desk.consent_receipts(mine)
