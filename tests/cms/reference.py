"""Asks the published reference (cms-hte-patient-matching) for its verdicts on the cases that Waybill's own generator writes.

Reads cases from stdin, one JSON object a line, and writes one JSON object a line: the verdict in Waybill's one-line form, the verdict
of the reference's own in-memory backend, and the values that the reference compared.

The reference's engine is asked over a backend that hands it every record, which its contract allows ("may cast a wide net"). Its own
backends block on one value of each field, whichever comes first in a set whose order changes with the hash seed.
"""

import asyncio
import datetime
import json
import sys

from patient_matching.matching import InMemoryBackend, MatchingEngine
from patient_matching.matching.backend import MatchingBackend
from patient_matching.matching.field_extractor import _RELATIONSHIP_LINKAGE_EXTENSION_URL, FieldExtractor
from patient_matching.normalization import NormalizationManager, date_normalizer, placeholder_detector

TODAY = datetime.date(2026, 11, 27)

KINDS = {
    "ssn": ("http://hl7.org/fhir/sid/us-ssn", None),
    "itin": ("urn:oid:2.16.840.1.113883.4.4", None),
    "mbi": ("http://hl7.org/fhir/sid/us-mbi", None),
    "member_id": (None, "MB"),
    "subscriber_id": (None, "SN"),
    "namespaced": (None, "MR"),
    "guardian": (None, "CMS-GRDN"),
    "mother": (None, "CMS-MTHR"),
    "birth_encounter": (None, "CMS-BEID"),
}

FIELDS = {
    "given": "first_name",
    "family": "last_name",
    "birth_date": "dob",
    "street": "street_line",
    "zip": "zip_code",
    "phone": "phone",
    "email": "email",
    "ssn4": "ssn_last4",
    "itin4": "itin_last4",
    "legal_id": "legal_id",
    "mbi": "mbi",
    "member_id": "insurance_member_id",
    "subscriber_id": "insurance_subscriber_id",
    "namespaced_id": "namespace_id",
    "child_of": "relationship_linkage_child_of_clinical",
    "newborn_of": "relationship_linkage_newborn_of_clinical",
    "guardian": "guardian_identity",
    "mother": "mother_identity",
    "birth_encounter": "birth_encounter_id",
}

OUR_NAMES = {theirs: ours for ours, theirs in FIELDS.items()}


class FixedDate(datetime.date):
    """A day that does not pass, so that the bounds of birth dates are the same in every run."""

    @classmethod
    def today(cls):
        return TODAY


class CachingExtractor(FieldExtractor):
    """Extracts each patient once."""

    def __init__(self):
        self._known = {}

    def extract(self, patient):
        known = self._known.get(id(patient))
        if known is None or known[0] is not patient:
            known = self._known[id(patient)] = (patient, super().extract(patient))
        return known[1]


class Everybody(MatchingBackend):
    """Hands out every record."""

    def __init__(self, patients):
        self._patients = patients

    async def search(self, criteria):
        return self._patients


class Recording(MatchingEngine):
    """The reference's engine; keeps which rule fired for whom, and what was fuzzy."""

    def __init__(self, **parts):
        super().__init__(**parts)
        self.fired = {}

    async def _evaluate_household_individual_rule(self, rule, query_fields):
        resolved, evaluations, excluded = await super()._evaluate_household_individual_rule(rule, query_fields)
        pairs = sorted(resolved + excluded, key=lambda patient: int(patient["id"]))
        matched = [one for one in evaluations if one.step == "individual" and one.matched]
        for patient, evaluation in zip(pairs, matched, strict=True):
            self._keep(rule.rule_id, patient, evaluation)
        return resolved, evaluations, excluded

    def _build_result(self, matched_by_rule, evaluations, **rest):
        for rule_id, patients in matched_by_rule.items():
            matched = [one for one in evaluations if one.rule_id == rule_id and one.step == "flat" and one.matched]
            for patient, evaluation in zip(patients, matched):
                self._keep(rule_id, patient, evaluation)
        order = [rule.rule_id for rule in self._rules + self._household_individual_rules]
        result = MatchingEngine._build_result(matched_by_rule, evaluations, **rest)
        left = {int(patient["id"]) for patient in result.matched_patients}
        members = {member: fired for member, fired in self.fired.items() if member in left}
        assert set(members) == left
        self.line = self._line(result, members, order)
        return result

    def _keep(self, rule_id, patient, evaluation):
        fuzzy = "".join(OUR_NAMES[name][0] for name in evaluation.fuzzy_fields)
        self.fired.setdefault(int(patient["id"]), {})[rule_id] = fuzzy

    @staticmethod
    def _line(result, members, order):
        letter = result.outcome.value[0]
        if not members:
            return letter
        told = []
        for member in sorted(members):
            rules = sorted(members[member].items(), key=lambda one: order.index(one[0]))
            told.append(f"{member}=" + ",".join(rule + fuzzy for rule, fuzzy in rules))
        return f"{letter} {result.matched_rule_id} " + ";".join(told)


def fhir(record, number):
    """The FHIR Patient that says what a record says."""
    patient = {"resourceType": "Patient", "id": str(number)}
    patient["name"] = [human_name(name) for name in record.get("names", [])]
    if "birth_date" in record:
        patient["birthDate"] = record["birth_date"]
    patient["telecom"] = [{"system": "phone", "value": value} for value in record.get("phones", [])]
    patient["telecom"] += [{"system": "email", "value": value} for value in record.get("emails", [])]
    patient["address"] = [address(one) for one in record.get("addresses", [])]
    patient["identifier"] = [identifier(one) for one in record.get("identifiers", [])]
    types = [code for key, code in (("child_of", "child-of"), ("newborn_of", "newborn-of")) if record.get(key)]
    patient["extension"] = [
        {
            "url": _RELATIONSHIP_LINKAGE_EXTENSION_URL,
            "extension": [{"url": "type", "valueCode": code}, {"url": "source", "valueCode": "clinical"}],
        }
        for code in types
    ]
    return patient


def human_name(name):
    out = {}
    if "given" in name:
        out["given"] = [name["given"], *name.get("middle", [])]
    if "family" in name:
        out["family"] = name["family"]
    if "suffix" in name:
        out["suffix"] = [name["suffix"]]
    return out


def address(one):
    lines = [one.get("street", "")] + ([one["line2"]] if "line2" in one else [])
    return {"line": lines, "city": one.get("city", ""), "state": one.get("state", ""), "postalCode": one.get("zip", "")}


def identifier(one):
    if one["kind"] == "legal_id":
        out = {"value": one["value"], "type": {"coding": [{"code": "DL"}]}}
        if "system" in one:
            out["assigner"] = {"display": one["system"]}
        return out
    system, code = KINDS[one["kind"]]
    out = {"value": one["value"]}
    if system or "system" in one:
        out["system"] = system or one["system"]
    if code:
        out["type"] = {"coding": [{"code": code}]}
    return out


def values(fields):
    """What the reference compares, by Waybill's names."""
    told = {ours: sorted(fields.get_values(theirs)) for ours, theirs in FIELDS.items() if fields.has_field(theirs)}
    if fields.middle_names:
        told["middle"] = sorted(fields.middle_names)
    if fields.suffixes:
        told["suffix"] = sorted(fields.suffixes)
    return told


async def main():
    placeholder_detector.date = date_normalizer.date = FixedDate
    normalizer = NormalizationManager()
    for line in sys.stdin:
        case = json.loads(line)
        claim = normalizer.normalize(fhir(case["claim"], -1))
        roster = [normalizer.normalize(fhir(record, number)) for number, record in enumerate(case["roster"])]
        extractor = CachingExtractor()
        engine = Recording(backend=Everybody(roster), extractor=extractor)
        await engine.match(claim)
        own = Recording(backend=InMemoryBackend(roster, extractor=extractor), extractor=extractor)
        await own.match(claim)
        told = {
            "verdict": engine.line,
            "own_backend": own.line,
            "claim": values(extractor.extract(claim)),
            "roster": [values(extractor.extract(member)) for member in roster],
        }
        print(json.dumps(told, ensure_ascii=False, separators=(",", ":")))


asyncio.run(main())
