"""Catalogues in the encodings of spreadsheets all over the world, without any word about their encoding."""

from collections.abc import Mapping

from tests.catalogues.fixture import HEADER, Fixture, row, warning

# ruff: noqa: RUF001 - letters of other alphabets look like Latin ones
NAMES: Mapping[str, tuple[str, ...]] = {
    "Arabic": ("طاولة بلوط", "مصباح سقف", "كرسي قابل للطي", "كوب أبيض"),
    "Chinese, simplified": ("橡木餐桌", "吊灯", "折叠椅", "白色杯子", "真皮沙发", "木制书架"),
    "Chinese, traditional": ("橡木餐桌", "吊燈", "折疊椅", "白色杯子", "真皮沙發", "木製書架"),
    "Czech": ("Dubový stůl", "Stropní lampa žlutá", "Skládací židle", "Bílý hrnek", "Kožená pohovka"),
    "French": ("Table en chêne", "Lampe à suspension", "Chaise pliée", "Canapé en cuir", "Étagère", "Vase façonné"),
    "German": ("Eichentisch weiß", "Hängelampe für Küche", "Klappstuhl grün", "Bücherregal", "Übertopf"),
    "Greek": ("Δρύινο τραπέζι", "Φωτιστικό οροφής", "Πτυσσόμενη καρέκλα", "Άσπρο φλιτζάνι"),
    "Hebrew": ("שולחן אלון", "מנורת תקרה", "כיסא מתקפל", "כוס לבנה"),
    "Hungarian": ("Tölgyfa asztal", "Mennyezeti lámpa", "Összecsukható szék", "Fehér bögre", "Bőr kanapé"),
    "Japanese": ("オーク材のテーブル", "天井ランプ", "折りたたみ椅子", "白いカップ", "ソファ（表面：革）"),
    "Korean": ("참나무 식탁", "천장 램프", "접이식 의자", "하얀 컵", "가죽 소파", "나무 책장"),
    "Polish": ("Stół dębowy", "Lampa sufitowa żółta", "Krzesło składane", "Biały kubek", "Regał na książki"),
    "Portuguese": ("Luminária de tecto", "Cadeira dobrável", "Chávena branca", "Sofá de couro", "Cama de criança"),
    "Russian": ("Дубовый стол", "Потолочный светильник", "Складной стул", "Белая чашка", "Кожаный диван"),
    "Spanish": ("Lámpara de techo", "Taza pequeña", "Sofá de piel", "Estantería", "Cama de niño", "Jarrón"),
    "Thai": ("โต๊ะไม้โอ๊ค", "โคมไฟเพดาน", "เก้าอี้พับ", "ถ้วยสีขาว"),
    "Turkish": ("Meşe masa", "Tavan lambası", "Katlanır sandalye", "Deri kanepe ışıklı", "Çocuk yatağı"),
    "Ukrainian": ("Дубовий стіл", "Стельовий світильник", "Складаний стілець", "Білий келих з їжаком"),
}
"""Names of products by language."""

WRITTEN: tuple[tuple[str, str, str], ...] = (
    ("Arabic", "cp1256", "cp1256"),
    ("Chinese, simplified", "gb18030", "gb18030"),
    ("Chinese, simplified", "gb2312", "gb18030"),
    ("Chinese, traditional", "big5", "big5hkscs"),
    ("Czech", "cp1250", "cp1250"),
    ("Czech", "iso8859-2", "iso8859-2"),
    ("French", "cp1252", "cp1252"),
    ("French", "iso8859-15", "cp1252"),
    ("French", "mac-roman", "mac-roman"),
    ("German", "cp1252", "cp1252"),
    ("German", "mac-roman", "mac-roman"),
    ("Greek", "cp1253", "cp1253"),
    ("Greek", "iso8859-7", "iso8859-7"),
    ("Hebrew", "cp1255", "cp1255"),
    ("Hungarian", "cp1250", "cp1250"),
    ("Japanese", "cp932", "cp932"),
    ("Japanese", "euc_jp", "euc_jis_2004"),
    ("Japanese", "iso2022_jp", "iso2022_jp"),
    ("Korean", "cp949", "cp949"),
    ("Korean", "euc_kr", "cp949"),
    ("Polish", "cp1250", "cp1250"),
    ("Polish", "iso8859-2", "iso8859-2"),
    ("Polish", "cp852", "cp852"),
    ("Portuguese", "cp1252", "cp1252"),
    ("Russian", "cp1251", "cp1251"),
    ("Russian", "koi8-r", "koi8-r"),
    ("Russian", "cp866", "cp866"),
    ("Russian", "mac-cyrillic", "mac-cyrillic"),
    ("Spanish", "cp1252", "cp1252"),
    ("Thai", "cp874", "cp874"),
    ("Turkish", "cp1254", "cp1254"),
    ("Ukrainian", "cp1251", "cp1251"),
    ("Ukrainian", "koi8-u", "koi8-u"),
)
"""A language, the encoding it is written in, and the one it is read in: that one, or one with the same letters."""

_URL = "https://a.example/{}.jpg"


def catalogue(names: tuple[str, ...]) -> str:
    """A catalogue of products with these names."""
    lines = (f"{number},{name},{_URL.format(number)}\r\n" for number, name in enumerate(names, 1))
    return f"{HEADER}\r\n{''.join(lines)}"


ENCODINGS = tuple(
    Fixture(
        f"{language} in {written}",
        catalogue(NAMES[language]).encode(written),
        tuple(row(str(number), name, _URL.format(number)) for number, name in enumerate(NAMES[language], 1)),
        (warning("it was read"),),
        encoding=read,
    )
    for language, written, read in WRITTEN
)
