"""Units by their signs and names in the languages of the lists, such as `Zoll` for inches. Pure."""

from __future__ import annotations

import unicodedata

_MAX_LENGTH = 30
# Signs and names of each unit, without accents, spaces and points. No pounds but the English ones, because elsewhere a
# pound may be 500 g.
_NAMES = {
    "mm": "mm millimeter millimeters millimetre millimetres milimetro milimetros millimetro millimetri milimetr "
    "milimetry milimetrow milimetre миллиметр миллиметры миллиметров 毫米",  # codespell:ignore
    "cm": "cm centimeter centimeters centimetre centimetres zentimeter centimetro centimetros centimetri centymetr "
    "centymetry centymetrow senttimetri santimetre santim сантиметр сантиметры сантиметров 厘米",
    "dm": "dm decimeter decimeters decimetre decimetres dezimeter decimetro decimetros decimetri decymetr decymetry "
    "desimetri desimetre дециметр дециметры дециметров 分米",
    "m": "m meter meters metre metres mtr mtrs metro metros metri metr metry metrow mitar метр метры метров 米",
    "in": "in inch inches \" '' ′′ ’’ zoll pouce pouces pulgada pulgadas pollice pollici duim cal cale cali tuuma "
    "tuumaa polegada polegadas inç дюйм дюймы дюймов 英寸",
    "ft": "ft feet foot ' ′ ’ fuss pied pieds pie pies piede piedi voet stopa stopy jalka jalkaa pe pes ayak fut "
    "фут футы футов 英尺",
    "km": "km kilometer kilometers kilometre kilometres chilometri kilometri kilometry",
    "yd": "yd yds yard yards",
    "g": "g gr gram grams gramm gramme grammes gramo gramos grammo grammi grama gramas gramy gramow gramma grammaa "
    "грамм граммы граммов 克",
    "kg": "kg kgs kilogram kilograms kilogramm kilogramme kilogrammes kilogramo kilogramos chilogrammo chilogrammi "
    "kilogramy kilogramow kilogramma kilogrammaa quilograma quilogramas kilo kilos chilo chili quilo quilos "
    "килограмм килограммы килограммов 千克 公斤",
    "t": "t to mt ton tons tonne tonnes tonnen tonelada toneladas tonnellata tonnellate tona tony tonni tonnia tonn "
    "тонна тонны тонн 吨",
    "lb": "lb lbs pound pounds",
    "kip": "kip kips klb klbs",
    "mm2": "mm2 mmq sqmm quadratmillimeter squaremillimeter squaremillimetre squaremillimeters squaremillimetres",
    "cm2": "cm2 cmq sqcm qcm quadratzentimeter squarecentimeter squarecentimetre squarecentimeters squarecentimetres",
    "dm2": "dm2 dmq sqdm quadratdezimeter squaredecimeter squaredecimetre",
    "m2": "m2 qm mq sqm квм мкв quadratmeter squaremeter squaremeters squaremetre squaremetres metrecarre metrescarres "
    "metrocuadrado metroscuadrados metroquadrato metriquadrati metriquadri metroquadro vierkantemeter metrkwadratowy "
    "metrykwadratowe neliometri neliometria metroquadrado metrosquadrados metrekare vargmeter 平方米",
    "in2": "in2 sqin squareinch squareinches",
    "ft2": "ft2 sqft sft squarefoot squarefeet",
    "yd2": "yd2 sqyd squareyard squareyards",
    "mm3": "mm3 cumm kubikmillimeter cubicmillimeter cubicmillimetre cubicmillimeters cubicmillimetres",
    "cm3": "cm3 cc ccm kubikzentimeter cubiccentimeter cubiccentimetre cubiccentimeters cubiccentimetres",
    "l": "l ltr liter liters litre litres litro litros litri litr litry litrow litra litraa dm3 литр литры литров 升",
    "m3": "m3 cbm cum mc кубм мкуб kubikmeter cubicmeter cubicmeters cubicmetre cubicmetres metrecube metrescubes "
    "metrocubico metroscubicos metrocubo metricubi kubiekemeter metrszescienny metryszescienne kuutiometri "
    "kuutiometria metrekup ghanmeter 立方米",
    "in3": "in3 cuin cubicinch cubicinches",
    "ft3": "ft3 cuft cft cubicfoot cubicfeet",
    "yd3": "yd3 cuyd cy cubicyard cubicyards",
}
_BY_NAME = {name: unit for unit, names in _NAMES.items() for name in names.split()}
_IGNORED = str.maketrans(dict.fromkeys("^. "))
_FOLDED = str.maketrans({"ł": "l", "ı": "i"})
# The signs of the metric units in Cyrillic letters.
_CYRILLIC = str.maketrans("мсдкгтл", "mcdkgtl")


def unit_name(text: str) -> str | None:
    """Return the usual name of a unit, such as `m3` for `m³`, `M^3`, `куб. м` and `Kubikmeter`; None if unknown."""
    if len(text) > _MAX_LENGTH:
        return None
    # The compatibility form also has the usual letters in place of full-width ones, and `mm` for the sign ㎜.
    name = unicodedata.normalize("NFKC", text).replace("İ", "i").casefold().translate(_IGNORED)
    decomposed = unicodedata.normalize("NFKD", name.translate(_FOLDED))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _BY_NAME.get(name) or _BY_NAME.get(plain) or _BY_NAME.get(plain.translate(_CYRILLIC))
