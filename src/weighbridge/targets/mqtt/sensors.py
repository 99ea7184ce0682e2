"""Which sensors there are: one for each measure type that has a name, and the BMI. Pure.

Units and classes are those with which Home Assistant shows a value as it was sent
(docs/reference/home-assistant.md#units-and-classes): ``mmHg`` with the class ``pressure`` becomes
inHg on an American installation, ``m/s`` with ``speed`` becomes mph. So those have no class, nor
has anything that was not verified.
"""

from __future__ import annotations

import msgspec

from weighbridge.core.measures import MeasureType as Type
from weighbridge.core.measures import type_name


class Sensor(msgspec.Struct, frozen=True):
    """One number of a person, as Home Assistant is to show it."""

    code: int | None
    """The measure type; None: computed."""
    name: str | None
    """None: Home Assistant's own word for the class, in the language of its owner."""
    unit: str | None
    precision: int | None
    """Digits behind the point that are shown; None: the number stands for a word."""
    icon: str | None = None
    device_class: str | None = None
    called: str | None = None
    """The key, when it is not the name of the measure type."""
    enabled: bool = True

    @property
    def key(self) -> str:
        """Its name in the state and in the ids that never change."""
        return self.called or type_name(self.code or 0)

    @property
    def entity(self) -> str:
        """The end of the id that people see: ``body_fat`` for the name "Body fat"."""
        return (self.name or self.key).lower().replace(" ", "_")


def _mass(code: int, name: str | None, icon: str | None = None, precision: int = 1) -> Sensor:
    return Sensor(code, name, "kg", precision, icon, "weight")


SENSORS = (
    _mass(Type.WEIGHT, None),
    Sensor(Type.FAT_RATIO, "Body fat", "%", 1, "mdi:percent"),
    _mass(Type.FAT_MASS, "Fat mass"),
    _mass(Type.FAT_FREE_MASS, "Fat free mass"),
    _mass(Type.MUSCLE_MASS, "Muscle mass", "mdi:arm-flex"),
    _mass(Type.BONE_MASS, "Bone mass", "mdi:bone", 2),
    Sensor(Type.WATER_MASS, "Body water", "kg", 1, "mdi:water", "weight", "hydration"),
    _mass(Type.EXTRACELLULAR_WATER, "Extracellular water", "mdi:water-outline"),
    _mass(Type.INTRACELLULAR_WATER, "Intracellular water", "mdi:water-circle"),
    Sensor(Type.VISCERAL_FAT, "Visceral fat", None, 1, "mdi:gauge"),
    Sensor(None, "BMI", "kg/m²", 1, "mdi:human", None, "bmi"),
    Sensor(Type.BASAL_METABOLIC_RATE, "Basal metabolic rate", "kcal/d", 0, "mdi:fire"),
    Sensor(Type.METABOLIC_AGE, "Metabolic age", "y", 0, "mdi:calendar-clock"),
    Sensor(Type.HEIGHT, "Height", "m", 2, None, "distance", None, False),
    # the heart
    Sensor(Type.PULSE, "Heart rate", "bpm", 0, "mdi:heart-pulse", None, "heart_rate"),
    Sensor(Type.SYSTOLIC, "Systolic blood pressure", "mmHg", 0, "mdi:heart-plus"),
    Sensor(Type.DIASTOLIC, "Diastolic blood pressure", "mmHg", 0, "mdi:heart-minus"),
    Sensor(Type.SPO2, "SpO2", "%", 0, "mdi:water-percent"),
    Sensor(Type.PULSE_WAVE_VELOCITY, "Pulse wave velocity", "m/s", 1, "mdi:pulse"),
    Sensor(Type.VASCULAR_AGE, "Vascular age", "y", 0, "mdi:calendar-heart"),
    Sensor(Type.VO2_MAX, "VO2 max", "ml/min/kg", 1, "mdi:run"),
    Sensor(Type.AFIB_ECG, "Atrial fibrillation ECG", None, None, "mdi:heart-flash"),
    Sensor(Type.AFIB_PPG, "Atrial fibrillation PPG", None, None, "mdi:heart-flash"),
    Sensor(Type.QRS_DURATION, "QRS duration", "ms", 0, "mdi:heart-settings"),
    Sensor(Type.PR_INTERVAL, "PR interval", "ms", 0, "mdi:heart-settings"),
    Sensor(Type.QT_INTERVAL, "QT interval", "ms", 0, "mdi:heart-settings"),
    Sensor(Type.CORRECTED_QT_INTERVAL, "Corrected QT interval", "ms", 0, "mdi:heart-settings"),
    # temperature, nerves and skin
    Sensor(Type.TEMPERATURE, "Temperature", "°C", 1, None, "temperature"),
    Sensor(Type.BODY_TEMPERATURE, "Body temperature", "°C", 1, None, "temperature"),
    Sensor(Type.SKIN_TEMPERATURE, "Skin temperature", "°C", 1, None, "temperature"),
    Sensor(Type.NERVE_HEALTH, "Nerve health", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_HEALTH_LEFT_FOOT, "Nerve health left foot", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_HEALTH_RIGHT_FOOT, "Nerve health right foot", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_RESPONSE, "Nerve response", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_RESPONSE_LEFT_FOOT, "Nerve response left foot", None, 0, "mdi:foot-print"),
    Sensor(Type.NERVE_RESPONSE_RIGHT_FOOT, "Nerve response right foot", None, 0, "mdi:foot-print"),
    Sensor(Type.SKIN_CONDUCTANCE, "Skin conductance", "µS", 0, "mdi:hand-water"),
    # urine
    Sensor(Type.URINARY_PH, "Urinary pH", None, 1, "mdi:test-tube"),
    Sensor(Type.URINE_SPECIFIC_GRAVITY, "Urine specific gravity", None, 3, "mdi:test-tube"),
    Sensor(Type.URINARY_NITRITES, "Urinary nitrites", "µmol/L", 1, "mdi:test-tube"),
    Sensor(Type.URINARY_KETONES, "Urinary ketones", "mmol/L", 1, "mdi:test-tube"),
    Sensor(Type.URINARY_VITAMIN_C, "Urinary vitamin C", "mmol/L", 2, "mdi:test-tube"),
    Sensor(Type.URINARY_CALCIUM, "Urinary calcium", "mmol/L", 1, "mdi:test-tube"),
    Sensor(Type.URINARY_CREATININE, "Urinary creatinine", "mmol/L", 1, "mdi:test-tube"),
    Sensor(
        Type.URINARY_CALCIUM_CREATININE_RATIO,
        *("Urinary calcium creatinine ratio", None, 2, "mdi:test-tube"),
    ),
)
"""All sensors, in the order in which they are announced."""

SEGMENTS_OF = {
    int(Type.SEGMENT_FAT_FREE_MASS): "fat_free_mass",
    int(Type.SEGMENT_FAT_MASS): "fat_mass",
    int(Type.SEGMENT_MUSCLE_MASS): "muscle_mass",
}
"""Types that describe a part of the body, and the sensor whose attributes they are."""
