// Texts that mean harm, for the check `xss`: each is said by a person, answered by a model, and where it can be one used as a title, a
// file's name and a folder. None may run anything, ask anybody else for anything, lead anywhere but to http, https or mailto, or be styled
// by itself. `mark` is a word of the text that must be readable, so that a page that shows nothing is not taken for a safe one.
//
// Whatever runs would call `__fired`; `FIRED` is what a page is asked afterwards, and `PLANT` is a page that does fire.

export const FIRED = () => globalThis.__fired ?? [];
export const LISTEN = () => {
  globalThis.__fired = [];
  globalThis.alert = (what) => globalThis.__fired.push(String(what));
};
/** What a page looks like that does not keep texts apart from markup: the control. */
export const PLANT = (text) => {
  const place = document.createElement("div");
  place.innerHTML = text;
  document.body.append(place);
};

const one = (name, mark, text) => ({ name, mark, text: `${mark} ${text}` });

export const PAYLOADS = [
  one("script", "px01", "<script>alert('px01')</script>"),
  one("image error", "px02", "<img src=x onerror=\"alert('px02')\">"),
  one("svg load", "px03", "<svg onload=\"alert('px03')\"><circle r=9></svg>"),
  one("iframe", "px04", "<iframe srcdoc=\"<script>parent.alert('px04')</script>\"></iframe>"),
  one("details toggle", "px05", "<details open ontoggle=\"alert('px05')\">x</details>"),
  one("style", "px06", "<style>*{display:none!important}</style><b style=\"position:fixed;inset:0;background:red\">x</b>"),
  one("link script", "px07", "[click me](javascript:alert('px07'))"),
  one("link script, spaced", "px08", "[click me](<java\tscript:alert('px08')>)"),
  one("link entity", "px09", "[click me](javascript&colon;alert('px09'))"),
  one("link data", "px10", "[click me](data:text/html;base64,PHNjcmlwdD5hbGVydCgncHgxMCcpPC9zY3JpcHQ+)"),
  one("link vbscript", "px11", "[click me](vbscript:alert('px11'))"),
  one("link reference", "px12", "[click me][r]\n\n[r]: javascript:alert('px12')"),
  one("autolink", "px13", "<javascript:alert('px13')>"),
  one("picture elsewhere", "px14", "![pixel](https://evil.invalid/pixel.gif?px14)"),
  one("picture script", "px15", "![pixel](javascript:alert('px15'))"),
  one("picture quote", "px16", "![a\" onerror=\"alert('px16')](x)"),
  one("maths link", "px17", "$\\href{javascript:alert('px17')}{x}$"),
  one("maths html", "px18", "$\\htmlData{x=1}{y}$ $\\includegraphics{https://evil.invalid/px18.png}$"),
  one("maths bomb", "px19", "$\\def\\a{\\b\\b\\b}\\def\\b{\\a\\a\\a}\\a$"),
  one("diagram script", "px20", "\n\n```mermaid\ngraph TD\n  A[<img src=x onerror=alert('px20')>] --> B\n  click A \"javascript:alert('px20')\"\n```"),
  one("diagram style", "px21", "\n\n```mermaid\ngraph TD\n  A --> B\n  style A fill:url(javascript:alert('px21')),stroke:#f00\n```"),
  one("diagram not one", "px22", "\n\n```mermaid\n<script>alert('px22')</script>\n```"),
  one("fence language", "px23", "\n\n```\"><img/src=x/onerror=alert('px23')>\nx\n```"),
  one("table cell", "px24", "\n\n| a | b |\n|---|---|\n| <img src=x onerror=alert('px24')> | [x](javascript:alert('px24')) |"),
  one("code span", "px25", "`<img src=x onerror=alert('px25')>`"),
  one("comment", "px26", "<!--><img src=x onerror=alert('px26')>-->"),
  one("form", "px27", "<form action=\"https://evil.invalid/px27\"><button>Send</button></form>"),
  one("base and meta", "px28", "<base href=\"https://evil.invalid/\"><meta http-equiv=refresh content=\"0;url=https://evil.invalid/px28\">"),
  one("template", "px29", "{{constructor.constructor('alert(`px29`)')()}} ${alert('px29')}"),
  one("right-to-left override", "px30", "invoice\u202Efdp.exe \u2066\u2067"),
  one("null and controls", "px31", "a\u0000b\u0008c <scr\u0000ipt>alert('px31')</script>"),
  one("nested deep", "px32", `\n\n${"> ".repeat(400)}deep`),
  one("brackets", "px33", "[".repeat(3000)),
  one("long word", "px34", "w".repeat(6000)),
  one("combining", "px35", `z${"\u0335".repeat(400)}`),
  one("mutation", "px36", "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert('px36')&gt;\">"),
  one("link with a name", "px37", "[https://bank.example](https://evil.invalid/px37)"),
  one("heading id", "px38", "# <a name=\"__fired\">x</a> {#__fired onclick=alert('px38')}"),
  one("footnote", "px39", "said[^<img>][^1]\n\n[^1]: <img src=x onerror=alert('px39')> [x](javascript:alert('px39'))\n[^<img>]: <script>alert('px39')</script>"),
  one("chart labels", "px40", "\n\n```mermaid\npie title <img src=x onerror=alert('px40')>\n  \"</text><script>alert('px40')</script>\" : 3\n  \"b\" : 1\n```"),
];

/** Names for files and folders that mean harm. */
export const NAMES = ["<img src=x onerror=alert('nm01')>.txt", "../../etc/passwd", "a\u202Egnp.exe", "\"><script>alert('nm04')</script>.pdf", "con", ".htaccess", `${"n".repeat(240)}.txt`, "名 字\u0000.txt"];
