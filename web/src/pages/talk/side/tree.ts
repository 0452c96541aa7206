// A conversation's messages as the ways that it went: runs of messages without a fork, and where they part.
import type { TreeNode } from "../../../api/talk";

export interface Run {
  id: string; // of its first message
  words: string; // how it begins
  count: number;
  from: number; // unix seconds
  to: number;
  model: string | null; // that answered first in it
  index: number; // among its siblings, from 1
  siblings: number;
  here: boolean; // the path that is shown goes through it
  end: boolean; // and ends in it
  runs: Run[];
}

/** `current`: the last message of the path that is shown. Messages whose parent is missing begin a way of their own. */
export function runsOf(nodes: readonly TreeNode[], current: string | null): Run[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const children = new Map<string, TreeNode[]>();
  const roots: TreeNode[] = [];
  for (const node of nodes) {
    if (!node.parent || !byId.has(node.parent)) roots.push(node);
    else children.set(node.parent, [...(children.get(node.parent) ?? []), node]);
  }
  const path = new Set<string>();
  for (let at = current ? byId.get(current) : undefined; at && !path.has(at.id); at = at.parent ? byId.get(at.parent) : undefined) path.add(at.id);

  const made = (first: TreeNode, index: number, siblings: number): { run: Run; forks: TreeNode[] } => {
    const run: Run = { id: first.id, words: first.preview, count: 0, from: first.created_at, to: first.created_at, model: null, index, siblings, here: path.has(first.id), end: false, runs: [] };
    for (let node: TreeNode = first; ; ) {
      run.count += 1;
      run.to = Math.max(run.to, node.created_at);
      run.model ??= node.role === "assistant" ? node.model : null;
      run.end ||= node.id === current;
      const next = children.get(node.id) ?? [];
      if (next.length !== 1 || !next[0]) return { run, forks: next };
      node = next[0];
    }
  };
  // Without recursion: a conversation of thousands of versions nests deeply.
  const out: Run[] = [];
  const left: { into: Run[]; nodes: TreeNode[] }[] = [{ into: out, nodes: roots }];
  for (let one = left.pop(); one; one = left.pop()) {
    const { into, nodes: forks } = one;
    forks.forEach((node, index) => {
      const { run, forks: next } = made(node, index + 1, forks.length);
      into.push(run);
      if (next.length > 0) left.push({ into: run.runs, nodes: next });
    });
  }
  return out;
}

/** How many ways there are: runs that nothing follows. */
export function waysOf(runs: readonly Run[]): number {
  let count = 0;
  const left = [...runs];
  for (let run = left.pop(); run; run = left.pop()) {
    if (run.runs.length === 0) count += 1;
    left.push(...run.runs);
  }
  return count;
}
