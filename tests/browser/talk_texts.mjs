// What is said in Talk where it is looked at: every kind of markdown, several scripts, and texts that mean harm.
import { PAYLOADS } from "./xss_payloads.mjs";

/** Said in one conversation and asked for in another. */
export const FERRY = "The ferry to Tinos leaves at 07:25 from Rafina.";

export const RICH = `Estrela. It is one flight up, and one is what Mieke can do until summer. Graça is €90 less but has **two**. Both have the kitchen that Lotte's hazelnuts call for.[^1]

Still open are three things:

1. Lotte's holiday: the school and you differ.
2. Who feeds the cat. Nobody has been asked yet.
   - the neighbour, who has the key
   - Joris, who *might*
3. Is Tomas coming Saturday or Sunday? I don't know.

| Flat | Week, € | Flights | Kitchen |
|:-----|-------:|:-------:|---------|
| Estrela | 980 | 1 | full |
| Campo de Ourique | 1,050 | 1 | full |
| Graça | 890 | 2 | two rings |

## How it adds up

The week costs $c = 7\\,p + 4f$, so with $\\vec{v}$ on the way

$$
\\sum_{i=1}^{7} p_i = \\frac{980}{7}\\cdot 7 \\qquad \\left|\\begin{matrix} a & b \\\\ c & d \\end{matrix}\\right|
$$

\`\`\`python
def cost(days: int, flat: float = 980) -> float:
    """What the week costs by tram."""
    # a pass is 17.50, Lotte rides free
    return flat / 7 * days + 3 * 17.5

print(f"{cost(7):.2f}")
\`\`\`

\`\`\`mermaid
graph LR
  A[Estrela] -->|tram 28| B(Graça)
  B --> C{One flight?}
  C -->|yes| D[Take it]
  C -->|no| E[Look on]
\`\`\`

> The surgeon said one flight of stairs at most, no hills, until about summer.

- [x] ask the surgeon
- [ ] ask about the cat

See [the tram's page](https://example.org/tram) or write \`28E\`.

[^1]: You, 14 September: no nuts near the *cooker*.`;

export const ANSWER = `About **€2,214** for the four of you, against €2,400 with the small car you priced on Sunday. A pass is €17.50 each, Lotte rides free, and the 28 stops 190 metres from the door.

| What | Tram, € | Car, € |
|------|-----:|----:|
| Flat | 980 | 980 |
| Flights | 1,096 | 1,096 |
| Getting about | 70 | 256 |

Reckon it anew with:

\`\`\`js
const week = (flat, passes) => flat + passes * 17.5;
console.log(week(980, 3)); // 1032.5
\`\`\`

The tram is $\\frac{256-70}{256} \\approx 73\\,\\%$ less for getting about, *if* nobody takes a taxi.`;

export const CHINESE = `西街小院。它在一层，而外婆夏天以前**最多爬一层楼。**中山路那间便宜 180 元，但在三层。

还有三件事没定：

1. 小禾的春假：学校和你说的日子不一样。
2. 谁来喂猫。还没有问过任何人。
3. 国栋是*周六*到还是周日到？我不知道，他没有说过。

| 住处 | 三晚，元 | 楼层 |
|---|---:|---|
| 西街小院 | 1,140 | 一层 |
| 中山路骑楼 | 960 | 三层 |`;

export const ARABIC = `بقيت **ثلاثة** أمور مفتوحة:

1. عطلة لوته: تختلف المدرسة عنك.
2. من يطعم القطة. لم يُسأل أحد بعد.

> قال الجراح: طابق واحد على الأكثر.

The word \`tram\` stays left to right.`;

export const HOSTILE = PAYLOADS.map((one) => one.text).join("\n\n");
