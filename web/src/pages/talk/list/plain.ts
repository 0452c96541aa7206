// The beginning of a message as one line of words: what marks it up in markdown is left out.

export function plain(text: string): string {
  return text
    .replace(/```[\w-]*/g, " ")
    .replace(/!?\[([^\][]*)\]\([^()\s]*\)/g, "$1")
    .replace(/(\*\*|__|~~|`)(?=\S)(.*?)(?<=\S)\1/g, "$2")
    .replace(/(?<![\w*])\*(?=[^\s*])([^*]*)(?<=[^\s*])\*(?![\w*])/g, "$1")
    .replace(/(^|\s)#{1,6}\s+/g, "$1")
    .replace(/^\s*[>*+-]\s+/, "")
    .replace(/\s+/g, " ")
    .trim();
}
