"""Lists as offices in several countries write them, and what their columns mean."""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass, field
from typing import Any

import openpyxl

from precast_app.importing.profiles.profile import Shape
from precast_app.importing.reference_data import ReferenceData, ReferenceItem
from precast_app.importing.schema import ColumnGroup
from precast_app.text import match_key, path_key
from tests.conftest import ROOT

OTHER_OFFICES = ROOT / "tests" / "files" / "other_offices"


def reference(**names: list[str]) -> ReferenceData:
    """Return reference data with items by the name of their group: `nodes=["Tower_A.Floor_1"]`."""
    items = {
        ColumnGroup[group.upper()]: tuple(
            ReferenceItem(number, name, path_key(name) if group == "nodes" else match_key(name))
            for number, name in enumerate(found, 1)
        )
        for group, found in names.items()
    }
    return ReferenceData(1, items)


def newer_german_list() -> bytes:
    """Return the list with one more title row, one more floor and its columns in another order."""
    rows = list(openpyxl.load_workbook(OTHER_OFFICES / "fertigteilliste.xlsx").active.iter_rows(values_only=True))
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Stückliste Rev. B"
    sheet.append(["Stand 12.11.2026"])
    for number, row in enumerate(rows):
        cells: list[Any] = [*reversed(row)]
        cells.insert(4, "3. OG" if number == 2 else 1 if number > 2 else None)
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@dataclass(frozen=True)
class OfficeList:
    """A list as an office writes it, and what its columns mean.

    `meanings` has a line for each column that is read: its heading, `=`, and a field with its unit (`length, m`) or the
    kind and the name of an item (`node: EG`).
    """

    text: str
    meanings: str
    shape: Shape = Shape.ELEMENT_TYPE_AND_PLACE
    header_rows: tuple[int, ...] = (1,)
    skip_rows: tuple[int, ...] = ()
    totals_words: tuple[str, ...] = ()
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The list as a file."""
        return textwrap.dedent(self.text).lstrip().encode()

    @property
    def targets(self) -> dict[str, Any]:
        """The target of each column by its heading, as JSON, in a pair with the unit if there is one."""
        return dict(map(_target, textwrap.dedent(self.meanings).strip().splitlines()))


def _target(line: str) -> tuple[str, Any]:
    heading, _, meaning = line.rpartition(" = ")
    kind, is_item, name = meaning.partition(": ")
    if is_item:
        return heading, {kind: name}
    name, has_unit, unit = meaning.partition(", ")
    return heading, (name, unit) if has_unit else name


LISTS = {
    "French": OfficeList(
        """
        Nomenclature des éléments préfabriqués - Résidence Les Tilleuls;;;;;;;;;
        Repère;Désignation;Nombre;Niveau;Longueur (cm);Hauteur (cm);Ép. (cm);Poids (t);Armé;Observations
        V01;Voile;4;RdC;420;280;20;5,88;;angle
        V02;Voile;2;R+1;365,5;280;20;5,12;oui;
        V02;Voile;3;R+2;365,5;280;20;5,12;oui;
        PT01;Poutre;6;RdC;580;60;25;2,18;non;
        TOTAL;;15;;;;;;;
        """,
        """
        Repère = name
        Désignation = element_type
        Nombre = count
        Niveau = floor
        Longueur (cm) = length, cm
        Hauteur (cm) = height, cm
        Ép. (cm) = thickness, cm
        Poids (t) = mass, t
        Armé = stage: Armé
        """,
        header_rows=(2,),
        values={"stage": {"oui": "yes", "non": "no"}},
    ),
    "Spanish": OfficeList(
        """
        Pieza,Tipo,Bloque,Planta,Uds.,Longitud (m),Ancho (m),Canto (m),Peso (kg),Volumen (m3),Plano
        PA-01,Placa alveolar,A,Planta 1,12,7.20,1.20,0.20,3450,1.38,PA-01.dwg
        PA-02,Placa alveolar,A,Planta 2,8,6.40,1.20,0.20,3070,1.23,PA-02.dwg
        PA-02,Placa alveolar,B,Planta 1,10,6.40,1.20,0.20,3070,1.23,PA-02.dwg
        VI-01,Viga,B,Planta 2,2,9.80,0.40,0.60,5880,2.35,VI-01.dwg
        """,
        """
        Pieza = name
        Tipo = element_type
        Bloque = tower
        Planta = floor
        Uds. = count
        Longitud (m) = length, m
        Ancho (m) = width, m
        Canto (m) = height, m
        Peso (kg) = mass, kg
        Volumen (m3) = volume, m3
        Plano = drawing_type: Plano
        """,
    ),
    "Italian": OfficeList(
        """
        Elenco pilastri;;;;;;;
        Marca;Sezione;Lunghezza [m];Larghezza [m];Altezza [m];Peso [q.li];Q.tà;Piano
        P1;50x50;8,50;0,50;0,50;53,1;4;Piano terra
        P2;50x60;7,25;0,50;0,60;54,4;6;Piano 1
        P3;50x50;6,10;0,50;0,50;38,1;10;Piano terra
        Totale;;;;;;20;
        """,
        # A quintal is no unit that is converted, so the weight is left open.
        """
        Marca = name
        Lunghezza [m] = length, m
        Larghezza [m] = width, m
        Altezza [m] = height, m
        Q.tà = count
        Piano = floor
        """,
        header_rows=(2,),
        totals_words=("Totale",),
        constants={"element_type": "COLUMN"},
    ),
    "Dutch": OfficeList(
        """
        Merk;Omschrijving;Begane grond;1e verdieping;2e verdieping;Totaal;Lengte;Breedte;Dikte;Gewicht
        W101;Wand;2;2;;4;4250;2800;180;5355
        W102;Wand;1;;3;4;3600;2800;180;4536
        V201;Breedplaat;;6;6;12;5400;2400;60;1944
        """,
        """
        Merk = name
        Omschrijving = element_type
        Begane grond = node: Begane grond
        1e verdieping = node: 1e verdieping
        2e verdieping = node: 2e verdieping
        Lengte = length
        Breedte = width
        Dikte = thickness
        Gewicht = mass
        """,
        shape=Shape.ELEMENT_TYPE,
    ),
    "Polish": OfficeList(
        """
        Lp.;Symbol;Rodzaj elementu;Ilość [szt.];Dł. [cm];Szerokość [cm];Grubość [cm];Objętość [m³];Masa [t];Kondygnacja
        1;S-1;Ściana;3;320;270;15;1,296;3,24;Parter
        2;S-2;Ściana;2;450;270;15;1,823;4,56;Piętro 1
        3;PK-1;Płyta kanałowa;14;590;120;24;1,020;2,55;Parter
        Razem;;;19;;;;;;
        """,
        """
        Symbol = name
        Rodzaj elementu = element_type
        Ilość [szt.] = count
        Dł. [cm] = length, cm
        Szerokość [cm] = width, cm
        Grubość [cm] = thickness, cm
        Objętość [m³] = volume, m3
        Masa [t] = mass, t
        Kondygnacja = floor
        """,
        totals_words=("Razem",),
    ),
    "Finnish": OfficeList(
        """
        Tunnus;Tyyppi;Lohko;Kerros;Kpl;Pituus;Korkeus;Paksuus;Paino;Pinta-ala
        V-101;Väliseinä;A;1. krs;3;3600;2700;180;4374;9,72
        V-102;Väliseinä;A;2. krs;3;4200;2700;180;5103;11,34
        O-201;Ontelolaatta;B;1. krs;16;7200;1200;265;3300;8,64
        Yhteensä;;;;22;;;;;
        """,
        """
        Tunnus = name
        Tyyppi = element_type
        Lohko = tower
        Kerros = floor
        Kpl = count
        Pituus = length
        Korkeus = height
        Paksuus = thickness
        Paino = mass
        Pinta-ala = area
        """,
        totals_words=("Yhteensä",),
    ),
    "Portuguese": OfficeList(
        """
        Relação de peças pré-moldadas;;;;;;;;
        Peça;Tipo;Qtde;Pavimento;Comprimento;Largura;Altura;Peso;Desenho
        ;;un;;cm;cm;cm;kgf;
        V1;Viga;4;Térreo;780;30;70;4095;V1.dwg
        V2;Viga;6;1º Pavimento;650;30;70;3413;V2.dwg
        L1;Laje alveolar;22;1º Pavimento;900;120;20;5400;L1.dwg
        """,
        """
        Peça = name
        Tipo = element_type
        Qtde = count
        Pavimento = floor
        Comprimento = length, cm
        Largura = width, cm
        Altura = height, cm
        Peso = mass
        Desenho = drawing_type: Desenho
        """,
        header_rows=(2,),
        skip_rows=(1,),
    ),
    "Turkish": OfficeList(
        """
        Poz No;Eleman Tipi;Blok;Kat;Adet;Boy (cm);En (cm);Yükseklik (cm);Ağırlık (ton);Hacim (m3)
        K1;Kiriş;A;Zemin Kat;8;640;40;60;3,84;1,536
        K2;Kiriş;A;1. Kat;8;580;40;60;3,48;1,392
        D1;Perde;B;Zemin Kat;4;450;20;300;6,75;2,7
        Toplam;;;;20;;;;;
        """,
        """
        Poz No = name
        Eleman Tipi = element_type
        Blok = tower
        Kat = floor
        Adet = count
        Boy (cm) = length, cm
        En (cm) = width, cm
        Yükseklik (cm) = height, cm
        Ağırlık (ton) = mass, t
        Hacim (m3) = volume, m3
        """,
        totals_words=("Toplam",),
    ),
    "Hindi": OfficeList(
        """
        Kramank,Nishan,Prakar,Imarat,Manzil,Sankhya,Lambai (mm),Chaudai (mm),Motai (mm),Vajan (kg)
        1,DW-01,Deewar,Tower 1,Manzil 1,4,3600,2850,150,3848
        2,DW-02,Deewar,Tower 1,Manzil 2,4,4200,2850,150,4489
        3,DH-01,Dharan,Tower 2,Manzil 1,2,5400,300,600,2430
        """,
        """
        Nishan = name
        Prakar = element_type
        Imarat = tower
        Manzil = floor
        Sankhya = count
        Lambai (mm) = length, mm
        Chaudai (mm) = width, mm
        Motai (mm) = thickness, mm
        Vajan (kg) = mass, kg
        """,
    ),
    "English, feet and inches": OfficeList(
        """
        Job no,Panel Mark,Panel type,Level,Nos,Length,Height,Thk,Wt each,Total Wt
        2231,PC-101,Sandwich wall,Ground floor,3,12' 6",9' 4",8",4.2 t,12.6 t
        2231,PC-102,Sandwich wall,1st floor,2,10' 0",9' 4",8",3.4 t,6.8 t
        """,
        """
        Panel Mark = name
        Panel type = element_type
        Level = floor
        Nos = count
        Length = length, cell
        Height = height, cell
        Thk = thickness, cell
        Wt each = mass, cell
        """,
    ),
    "Austrian, a basement called KG": OfficeList(
        """
        Pos;Stk;Typ;Länge;Breite;Dicke;Gewicht;UG;EG;1.OG;2.OG;DG;KG
        FD1;10;Elementdecke;5,40;2,50;0,06;2,03;1;2;2;2;1;2
        FD2;8;Elementdecke;4,20;2,50;0,06;1,58;1;2;2;2;1;
        """,
        """
        Pos = name
        Typ = element_type
        Länge = length, m
        Breite = width, m
        Dicke = thickness, m
        Gewicht = mass, t
        UG = node: UG
        EG = node: EG
        1.OG = node: 1.OG
        2.OG = node: 2.OG
        DG = node: DG
        KG = node: KG
        """,
        shape=Shape.ELEMENT_TYPE,
    ),
}
