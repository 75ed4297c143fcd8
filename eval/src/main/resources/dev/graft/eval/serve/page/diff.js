const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });

/** A text's words, punctuation marks and white space, in order; together they are the text. */
export function words(text) {
  return Array.from(segmenter.segment(text), (piece) => piece.segment);
}

/**
 * What two texts share, by the longest common subsequence of their words; white space counts for nothing.
 *
 * @returns {{left: Run[], right: Run[], share: number}} each text in runs {text, same}; share: of both texts' words, those in common, 0 to 1
 */
export function differences(left, right) {
  const a = words(left);
  const b = words(right);
  const inA = a.flatMap((word, i) => (/\S/u.test(word) ? [i] : []));
  const inB = b.flatMap((word, i) => (/\S/u.test(word) ? [i] : []));
  const ids = new Map();
  const number = (word) => ids.get(word) ?? (ids.set(word, ids.size), ids.size - 1);
  const pairs = [];
  common(Int32Array.from(inA, (i) => number(a[i])), Int32Array.from(inB, (i) => number(b[i])), 0, 0, pairs);
  const total = inA.length + inB.length;
  return {
    left: runs(a, new Set(pairs.map(([i]) => inA[i]))),
    right: runs(b, new Set(pairs.map(([, j]) => inB[j]))),
    share: total === 0 ? 1 : (2 * pairs.length) / total,
  };
}

/** Hirschberg 1975, "A linear space algorithm for computing maximal common subsequences": time |a|·|b|, memory |b|. Adds pairs of places to pairs. */
function common(a, b, fromA, fromB, pairs) {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) {
    pairs.push([fromA + start, fromB + start]);
    start++;
  }
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  middle(a.subarray(start, endA), b.subarray(start, endB), fromA + start, fromB + start, pairs);
  for (let i = 0; endA + i < a.length; i++) pairs.push([fromA + endA + i, fromB + endB + i]);
}

function middle(a, b, fromA, fromB, pairs) {
  if (a.length === 0 || b.length === 0) return;
  if (a.length === 1) {
    const j = b.indexOf(a[0]);
    if (j >= 0) pairs.push([fromA, fromB + j]);
    return;
  }
  const half = a.length >> 1;
  const before = lengths(a.subarray(0, half), b);
  const after = lengths(a.slice(half).reverse(), b.slice().reverse());
  let cut = 0;
  for (let j = 1; j <= b.length; j++) {
    if (before[j] + after[b.length - j] > before[cut] + after[b.length - cut]) cut = j;
  }
  common(a.subarray(0, half), b.subarray(0, cut), fromA, fromB, pairs);
  common(a.subarray(half), b.subarray(cut), fromA + half, fromB + cut, pairs);
}

/** @returns {Uint32Array} at j: how long the longest common subsequence of a and b's first j is */
function lengths(a, b) {
  let row = new Uint32Array(b.length + 1);
  let next = new Uint32Array(b.length + 1);
  for (const id of a) {
    for (let j = 0; j < b.length; j++) next[j + 1] = b[j] === id ? row[j] + 1 : Math.max(row[j + 1], next[j]);
    [row, next] = [next, row];
  }
  return row;
}

/** Neighbours of one kind in one run; the space between two words that differ belongs to them. */
function runs(pieces, same) {
  const list = [];
  pieces.forEach((text, i) => {
    let word = i;
    while (word < pieces.length && !/\S/u.test(pieces[word])) word++;
    const kind = word === pieces.length || same.has(word) || (word > i && list.at(-1)?.same !== false);
    if (list.length > 0 && list.at(-1).same === kind) list.at(-1).text += text;
    else list.push({ text, same: kind });
  });
  return list;
}
