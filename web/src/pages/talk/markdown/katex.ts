// KaTeX under a policy that allows no inline style: it builds elements and sets most styles as properties, which is allowed; the few that it
// writes as attributes (the width of a stretched arrow) are set as properties here too. Nothing in a formula is trusted: no links, no
// pictures, no raw styles, bounded macros and sizes.
import katex, { type KatexOptions } from "katex";
import "katex/dist/katex.min.css";

interface Tree {
  attributes?: Record<string, string>;
  children?: Tree[];
  toNode(): Node;
}
type Inner = typeof katex & { __renderToDomTree(tex: string, options: KatexOptions): Tree };

const LONGEST = 4_000;

export function render(tex: string, display: boolean, into: HTMLElement): boolean {
  if (tex.length > LONGEST) return false;
  const own = /\\(?:f?colorbox|phase|angl)\b/.test(tex); // their MathML is styled by attribute alone
  try {
    const tree = (katex as Inner).__renderToDomTree(tex, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      strict: "ignore",
      maxSize: 20,
      maxExpand: 300,
      output: own ? "html" : "htmlAndMathml",
    });
    withoutStyleAttributes(tree);
    into.replaceChildren(tree.toNode());
    return true;
  } catch {
    into.replaceChildren();
    return false;
  }
}

function withoutStyleAttributes(tree: Tree): void {
  const style = tree.attributes?.style;
  if (style && tree.attributes) {
    delete tree.attributes.style;
    const made = tree.toNode.bind(tree);
    tree.toNode = () => {
      const node = made();
      (node as HTMLElement).style.cssText = style;
      return node;
    };
  }
  tree.children?.forEach(withoutStyleAttributes);
}
