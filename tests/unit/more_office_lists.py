"""Lists with sub-headings, blocks, pages and units of more countries, and what their columns mean."""

from __future__ import annotations

from precast_app.importing.profiles.profile import Shape
from tests.unit.office_lists import OfficeList

LISTS = {
    "American, feet and two heading rows": OfficeList(
        """
        ABC Precast Inc.,,,,,,,,
        Product Schedule - Parking Deck B,,,,,,,,
        Piece,Product,Qty,Dimensions,,,Weight,Volume,Level
        Mark,,,Length,Width,Depth,(lbs),(CY),
        DT-101,Double Tee,12,60'-0",12'-0",2'-10","48,600",12.0,Level 2
        DT-102,Double Tee,8,58'-6",10'-0",2'-10","41,250",10.2,Level 2
        DT-102,Double Tee,6,58'-6",10'-0",2'-10","41,250",10.2,Level 3
        SP-01,Spandrel,4,30'-0 1/2",8 in,6'-0","18,300",4.5,Level 2
        """,
        """
        Piece / Mark = name
        Product = element_type
        Qty = count
        Dimensions / Length = length, cell
        Width = width, cell
        Depth = height, cell
        Weight / (lbs) = mass, lb
        Volume / (CY) = volume, yd3
        Level = floor
        """,
        header_rows=(3, 4),
    ),
    "American, levels as columns": OfficeList(
        """
        MARK,DESC,LENGTH,HEIGHT,THK,SQ FT,WEIGHT (KIPS),L1,L2,ROOF
        WP-1,WALL PANEL,30'-0",12'-0",8",360,36,4,4,
        WP-2,WALL PANEL,24'-6",12'-0",8",294,29.4,2,2,2
        """,
        """
        MARK = name
        DESC = element_type
        LENGTH = length, cell
        HEIGHT = height, cell
        THK = thickness, cell
        SQ FT = area, ft2
        WEIGHT (KIPS) = mass, kip
        L1 = node: L1
        L2 = node: L2
        ROOF = node: ROOF
        """,
        shape=Shape.ELEMENT_TYPE,
    ),
    "British, headings on every page": OfficeList(
        """
        Unit Ref,Unit Type,Floor,No. off,Length,Width,Depth,Weight (T)
        PU1,Planter Unit,GF,2,2400,900,750,1.45
        ST1,Stair Flight,GF,1,3600,1200,200,3.1
        Unit Ref,Unit Type,Floor,No. off,Length,Width,Depth,Weight (T)
        ST2,Stair Flight,1F,1,3600,1200,200,3.1
        LD1,Landing,1F,1,2500,1500,200,1.9
        Page total,,,5,,,,
        """,
        """
        Unit Ref = name
        Unit Type = element_type
        Floor = floor
        No. off = count
        Length = length
        Width = width
        Depth = height
        Weight (T) = mass, t
        """,
        totals_words=("Page total",),
    ),
    "Floor only in the first row of its block": OfficeList(
        """
        Level,Mark,Type,Qty,Length (mm),Height (mm),Thickness (mm)
        Ground floor,W1,Wall,2,4000,3000,150
        ,W2,Wall,1,3500,3000,150
        First floor,W1,Wall,2,4000,3000,150
        ,W4,Wall,5,1500,3000,150
        """,
        """
        Level = floor
        Mark = name
        Type = element_type
        Qty = count
        Length (mm) = length, mm
        Height (mm) = height, mm
        Thickness (mm) = thickness, mm
        """,
    ),
    "French, one unit over three dimensions": OfficeList(
        """
        Repère;Type;Dimensions (cm);;;Poids;Nombre par niveau;;
        ;;Long.;Haut.;Ép.;kg;RdC;R+1;R+2
        V01;Voile;420;280;20;5880;2;2;1
        V02;Voile;365;280;20;5110;1;;1
        PT1;Poutre;580;60;25;2175;4;4;4
        """,
        """
        Repère = name
        Type = element_type
        Dimensions (cm) / Long. = length, cm
        Haut. = height, cm
        Ép. = thickness, cm
        Poids / kg = mass, kg
        Nombre par niveau / RdC = node: RdC
        R+1 = node: R+1
        R+2 = node: R+2
        """,
        shape=Shape.ELEMENT_TYPE,
        header_rows=(1, 2),
    ),
    "Brazilian, two towers": OfficeList(
        """
        Peça;Descrição;Comp. (cm);Largura (cm);Alt. (cm);Peso (t);Torre A;;Torre B;
        ;;;;;;Térreo;1º Pav;Térreo;1º Pav
        V1;Viga;650;30;70;3,4;2;2;1;1
        P1;Pilar;900;40;40;3,6;8;;8;
        """,
        """
        Peça = name
        Descrição = element_type
        Comp. (cm) = length, cm
        Largura (cm) = width, cm
        Alt. (cm) = height, cm
        Peso (t) = mass, t
        Torre A / Térreo = node: Torre A.Térreo
        1º Pav = node: Torre B.1º Pav
        Torre B / Térreo = node: Torre B.Térreo
        """,
        shape=Shape.ELEMENT_TYPE,
        header_rows=(1, 2),
    ),
    "Indian, towers as columns": OfficeList(
        """
        SR NO,ELEMENT ID,ELEMENT TYPE,L(MM),B(MM),H(MM),VOL(CUM),WT(MT),T1,T2,T3
        1,IW-01,INTERNAL WALL,3000,150,2850,1.283,3.21,4,4,2
        2,IW-02,INTERNAL WALL,2100,150,2850,0.898,2.24,4,4,2
        3,SL-01,SLAB,4200,2400,125,1.26,3.15,8,8,4
        ,TOTAL,,,,,,,16,16,8
        """,
        """
        ELEMENT ID = name
        ELEMENT TYPE = element_type
        L(MM) = length, mm
        B(MM) = width, mm
        H(MM) = height, mm
        VOL(CUM) = volume, m3
        WT(MT) = mass, t
        T1 = node: T1
        T2 = node: T2
        T3 = node: T3
        """,
        shape=Shape.ELEMENT_TYPE,
    ),
    "English, stages and materials": OfficeList(
        """
        Mark,Type,Length mm,Reinforced,Cast,Demoulded,GF,1F,2F,Rebar 8mm (kg),Anchors
        W1,Wall,4000,x,x,,2,1,,55.5,4
        W2,Wall,3500,x,,,1,1,1,48.2,4
        """,
        """
        Mark = name
        Type = element_type
        Length mm = length, mm
        Reinforced = stage: Reinforced
        Cast = stage: Cast
        Demoulded = stage: Demoulded
        GF = node: GF
        1F = node: 1F
        2F = node: 2F
        Rebar 8mm (kg) = product: Rebar 8mm
        """,
        shape=Shape.ELEMENT_TYPE,
    ),
    "English, two heading rows": OfficeList(
        """
        Precast element list - Tower blocks,,,,,,,,
        Mark,Description,Dimensions,,,Weight,Tower 1,,
        ,,L (mm),W (mm),T (mm),(kg),GF,Level 1,Level 2
        W1,Wall,4000,3000,150,4500,2,1,
        W2,Wall,3500,3000,150,3937,1,1,1
        """,
        """
        Mark = name
        Description = element_type
        Dimensions / L (mm) = length, mm
        W (mm) = width, mm
        T (mm) = thickness, mm
        Weight / (kg) = mass, kg
        Tower 1 / GF = node: Tower 1.GF
        Level 1 = node: Tower 1.Level 1
        Level 2 = node: Tower 1.Level 2
        """,
        shape=Shape.ELEMENT_TYPE,
        header_rows=(2, 3),
    ),
}
