"""Records in the words of FHIR R4, for a hospital's other systems."""

from diagnosis.times import in_seoul

CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
UNITS = "http://unitsofmeasure.org"
OURS = "urn:madang:diagnosis"


def observation(result):
    """Return a result as the JSON of an Observation.

    The patient is named by code alone. The result's recording, session, patient and
    doctor are read from the database where they are not at hand.
    """
    session = result.recording.session
    return {
        "resourceType": "Observation",
        "id": str(session.pk),
        "identifier": [{"system": f"{OURS}:session", "value": str(session.pk)}],
        "status": "final",
        "category": [{"coding": [{"system": CATEGORIES, "code": "exam"}]}],
        "code": {
            "coding": [{"system": f"{OURS}:test", "code": session.type}],
            "text": f"VR movement test {session.type}, level {session.level}",
        },
        "subject": {
            "type": "Patient",
            "identifier": {
                "system": f"{OURS}:patient",
                "value": session.patient.code,
            },
        },
        "performer": [
            {
                "type": "Practitioner",
                "identifier": {
                    "system": f"{OURS}:doctor",
                    "value": str(session.doctor_id),
                },
            }
        ],
        "effectiveDateTime": in_seoul(session.created_at),
        "issued": in_seoul(result.scored_at),
        "component": [
            component("level", session.level, "1"),
            component("score", result.score, "1"),
            component("time_spent", result.time_spent, "s"),
            component("fps", result.fps, "/s"),
        ],
    }


def component(name, value, unit):
    """Return a figure with its unit in UCUM, where "1" is none."""
    return {
        "code": {"coding": [{"system": f"{OURS}:figure", "code": name}], "text": name},
        "valueQuantity": {"value": value, "system": UNITS, "code": unit},
    }
