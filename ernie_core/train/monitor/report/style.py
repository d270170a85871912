"""The style sheet of the report, for light and dark."""

STYLE = """
:root{color-scheme:light dark;--back:#fff;--text:#1d2129;--soft:#667085;--rule:#e6e8ec;--grid:#eceef1;
--t1:#2563c9;--t2:#c2560c;--t3:#0f8a6d;--mark:#b42318}
@media(prefers-color-scheme:dark){:root{--back:#14171c;--text:#e4e7ec;--soft:#98a2b3;--rule:#2a2f38;--grid:#232830;
--t1:#6ea8fe;--t2:#f2a65a;--t3:#4cc9a4;--mark:#f97066}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:960px;margin:0 auto;padding:36px 24px 64px}
h1{font-size:24px;line-height:1.25;margin:0 0 2px;overflow-wrap:anywhere}
h2{font-size:16px;margin:40px 0 10px;padding-top:14px;border-top:1px solid var(--rule)}
p{margin:0;color:var(--soft)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:16px 20px;margin:24px 0 8px}
.facts dt{color:var(--soft);font-size:13px}
.facts dd{margin:0;font-size:19px;line-height:1.3}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(360px,100%),1fr));align-items:end;gap:20px 16px}
figure{margin:0;min-width:0}
figure.wide{grid-column:1/-1;overflow-x:auto}
figure.wide svg{min-width:600px}
figcaption{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;padding-left:2px}
figcaption span::before{content:"";display:inline-block;width:12px;height:3px;border-radius:2px;margin-right:6px;
vertical-align:middle;background:currentColor}
figcaption .mark{color:var(--mark)}
figcaption .mark::before{height:0;border-top:2px dashed;background:none;border-radius:0}
figcaption i{font-style:normal;color:var(--text)}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--soft);font-size:12px}
svg path{fill:none;stroke:currentColor;stroke-width:1.5;stroke-linejoin:round}
svg circle{fill:currentColor}
svg .raw{opacity:.3;stroke-width:1}
svg .grid{stroke:var(--grid);stroke-width:1}
svg .mark path{stroke:var(--mark);stroke-width:1;stroke-dasharray:3 3}
svg circle.hover{opacity:0}
svg circle.hover:hover{opacity:.35}
svg .mark path.hover{stroke-width:12;opacity:0}
.t1{color:var(--t1)}.t2{color:var(--t2)}.t3{color:var(--t3)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13.5px;min-width:50%}
th{font-weight:500;color:var(--soft);text-align:right;padding:4px 0 4px 24px;white-space:nowrap}
td{text-align:right;padding:3px 0 3px 24px;border-top:1px solid var(--rule);white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
dl.settings{columns:3 230px;column-gap:32px;margin:0;font-size:13.5px}
.settings div{display:flex;justify-content:space-between;gap:12px;padding:3px 0;border-bottom:1px solid var(--rule);
break-inside:avoid}
.settings dt{color:var(--soft)}
.settings dd{margin:0;text-align:right;overflow-wrap:anywhere}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}figure,tr{break-inside:avoid}}
"""
