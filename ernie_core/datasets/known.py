"""The formats of labelled data. Imports nothing: the command line reads it too."""

_CLUE = "ernie_core.datasets.formats.clue"
_NER = "ernie_core.datasets.formats.ner"
_READING = "ernie_core.datasets.formats.clue_reading"
_SQUAD = "ernie_core.datasets.formats.squad"
_TABLE = "ernie_core.datasets.formats.table"

FORMATS = {
    "cais": "ernie_core.datasets.formats.cais:Cais",
    "chnsenticorp": "ernie_core.datasets.formats.chnsenticorp:ChnSentiCorp",
    "clue/afqmc": f"{_CLUE}:Afqmc",
    "clue/c3": f"{_READING}:C3",
    "clue/chid": f"{_READING}:Chid",
    "clue/cluewsc2020": f"{_CLUE}:Wsc",
    "clue/cmnli": f"{_CLUE}:Cmnli",
    "clue/cmrc2018": f"{_SQUAD}:ClueCmrc2018",
    "clue/csl": f"{_CLUE}:Csl",
    "clue/iflytek": f"{_CLUE}:Iflytek",
    "clue/ocnli": f"{_CLUE}:Ocnli",
    "clue/tnews": f"{_CLUE}:Tnews",
    "cluener": "ernie_core.datasets.formats.cluener:CluEner",
    "cmrc2018": f"{_SQUAD}:Cmrc2018",
    "conll": f"{_NER}:Conll",
    "drcd": f"{_SQUAD}:Drcd",
    "dureader_robust": f"{_SQUAD}:DureaderRobust",
    "msra_ner": f"{_NER}:MsraNer",
    "nlpcc2018": "ernie_core.datasets.formats.slu:Nlpcc2018",
    "paws_x": "ernie_core.datasets.formats.paws_x:PawsX",
    "peoples_daily_ner": f"{_NER}:PeoplesDailyNer",
    "sick_nli": "ernie_core.datasets.formats.sick_nli:SickNli",
    "weibo_ner": f"{_NER}:WeiboNer",
    "wikiann": f"{_NER}:WikiAnn",
    "xnli": "ernie_core.datasets.formats.xnli_languages:Xnli",
    "xnli_cn": "ernie_core.datasets.formats.xnli:XnliCn",
    "xquad": f"{_SQUAD}:Xquad",
    "xsid": "ernie_core.datasets.formats.xsid:Xsid",
}
"""Published data sets, by the name that `task.json` and the table of defaults have: `module:Class`."""

TABLES = {
    "csv": f"{_TABLE}:Csv",
    "jsonl": f"{_TABLE}:JsonLines",
    "tsv": f"{_TABLE}:Tsv",
}
"""Forms of a person's own data, tried where no published one matches."""

AUTO = "auto"
CHOICES = (AUTO, *FORMATS, *TABLES)

LANGUAGES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")
"""The languages of XNLI, in the order in which its published script reads them."""
SOURCE = "en"
"""The language that was translated into the others."""
TRANSFER, TRANSLATE = "cross-lingual-transfer", "translate-train-all"
MODES = (TRANSFER, TRANSLATE)
"""What train has of data in several languages, under the published names: English, or all."""
