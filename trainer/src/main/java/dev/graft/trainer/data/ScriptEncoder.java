package dev.graft.trainer.data;

import dev.graft.trainer.tokenizer.Tokenizer;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Encodes scripts so that every bound between what is given and what is learnt is a bound between tokens, and the prompt's tokens are
 * those of the prompt alone, as at inference. The whole text is encoded at once; where one of its tokens straddles a bound (a space
 * that joins the next word, say), the stretches are encoded one by one instead.
 */
final class ScriptEncoder {
  /** Texts that seldom join what follows them, one of which makes SentencePiece leave out the space before the first word. */
  private static final List<String> LEADS = List.of("\n", "~", "|", "\u0001", "0");

  private final Tokenizer tokenizer;
  private final Vocabulary vocabulary;
  private final CleanBounds bounds;
  private final boolean everything;
  private Map<String, int[]> leads;

  /** @param everything whether given stretches are learnt too */
  ScriptEncoder(Tokenizer tokenizer, Vocabulary vocabulary, boolean everything) {
    this.everything = everything;
    this.tokenizer = tokenizer;
    this.vocabulary = vocabulary;
    bounds = new CleanBounds(vocabulary);
  }

  /** Encodes many scripts, in order. */
  List<Encoded> encode(List<Script> scripts) {
    Map<String, int[]> ids = new HashMap<>();
    Set<String> texts = new LinkedHashSet<>();
    for (Script script : scripts) {
      texts.add(script.text());
      if (!bounds.clean(script)) {
        texts.add(script.spans().get(0).text());
      }
    }
    fetch(texts, ids);
    List<int[][]> cut = new ArrayList<>(scripts.size());
    Set<String> firsts = new LinkedHashSet<>();
    Set<String> apart = new LinkedHashSet<>();
    for (Script script : scripts) {
      int[][] stretches = together(script, ids);
      cut.add(stretches);
      if (stretches == null) {
        firsts.add(script.spans().get(0).text());
        script.spans().stream().skip(1).forEach(span -> apart.add(span.text()));
      }
    }
    firsts.removeAll(ids.keySet());
    fetch(firsts, ids);
    Map<String, int[]> continuations = continuations(apart);
    List<Encoded> result = new ArrayList<>(scripts.size());
    for (int i = 0; i < scripts.size(); i++) {
      int[][] stretches = cut.get(i) != null ? cut.get(i) : apart(scripts.get(i), ids, continuations);
      result.add(everything ? whole(scripts.get(i), stretches) : finish(scripts.get(i), stretches));
    }
    return result;
  }

  private void fetch(Set<String> texts, Map<String, int[]> into) {
    List<String> list = List.copyOf(texts);
    List<int[]> ids = tokenizer.encodeAll(list);
    for (int i = 0; i < list.size(); i++) {
      into.put(list.get(i), ids.get(i));
    }
  }

  /** The whole text's tokens cut at the bounds, or null when a token straddles one, or the prompt alone has other tokens. */
  private int[][] together(Script script, Map<String, int[]> ids) {
    int[] whole = ids.get(script.text());
    int[] first = ids.get(script.spans().get(0).text()); // null: the bound is clean
    int count = script.spans().size();
    if (count == 1) {
      return new int[][] {whole};
    } else if (first != null && (first.length > whole.length || !Arrays.equals(first, Arrays.copyOf(whole, first.length)))) {
      return null;
    } else if (first != null && count == 2) {
      return new int[][] {first, Arrays.copyOfRange(whole, first.length, whole.length)};
    }
    int[] ends = Alignment.bounds(vocabulary, whole, script.spans());
    if (ends == null || first != null && ends[0] != first.length) {
      return null;
    }
    int[][] stretches = new int[count][];
    int at = 0;
    for (int i = 0; i < count; i++) {
      int end = i < ends.length ? ends[i] : whole.length;
      stretches[i] = Arrays.copyOfRange(whole, at, end);
      at = end;
    }
    return stretches;
  }

  private static int[][] apart(Script script, Map<String, int[]> ids, Map<String, int[]> continuations) {
    int[][] stretches = new int[script.spans().size()][];
    stretches[0] = ids.get(script.spans().get(0).text());
    for (int i = 1; i < stretches.length; i++) {
      stretches[i] = continuations.get(script.spans().get(i).text());
    }
    return stretches;
  }

  /** Ids of texts that go on after another text: without the space that SentencePiece puts before a first word. */
  private Map<String, int[]> continuations(Set<String> texts) {
    Map<String, int[]> result = new HashMap<>();
    if (texts.isEmpty()) {
      return result;
    } else if (!vocabulary.addSpacePrefix()) {
      fetch(texts, result);
      return result;
    }
    if (leads == null) {
      leads = new HashMap<>();
      fetch(new LinkedHashSet<>(LEADS), leads);
    }
    Set<String> missing = new LinkedHashSet<>(texts);
    for (String lead : LEADS) {
      Map<String, int[]> led = new HashMap<>();
      Set<String> asked = new LinkedHashSet<>();
      missing.forEach(text -> asked.add(lead + text));
      fetch(asked, led);
      int[] head = leads.get(lead);
      for (String text : List.copyOf(missing)) {
        int[] ids = led.get(lead + text);
        if (ids.length >= head.length && Arrays.equals(head, Arrays.copyOf(ids, head.length))) {
          result.put(text, Arrays.copyOfRange(ids, head.length, ids.length));
          missing.remove(text);
        }
      }
      if (missing.isEmpty()) {
        return result;
      }
    }
    fetch(missing, result); // every lead joined the text: take it as a text of its own
    return result;
  }

  private Encoded finish(Script script, int[][] stretches) {
    int bos = vocabulary.bosId();
    int last = lastLearnt(script);
    int size = 2;
    for (int[] stretch : stretches) {
      size += stretch.length;
    }
    int[] tokens = new int[size];
    BitSet learnt = new BitSet(size);
    int at = 0;
    boolean startsWithBos = bos != Vocabulary.NONE && stretches[0].length > 0 && stretches[0][0] == bos;
    boolean doubled = startsWithBos && stretches[0].length > 1 && stretches[0][1] == bos;
    if (vocabulary.addBos() && !startsWithBos) {
      tokens[at++] = bos;
    }
    int promptLength = -1;
    for (int i = 0; i <= (last < 0 ? stretches.length - 1 : last); i++) { // nothing follows the last learnt token
      int[] stretch = stretches[i];
      int from = i == 0 && doubled ? 1 : 0;
      if (!script.spans().get(i).learnt()) {
        System.arraycopy(stretch, from, tokens, at, stretch.length - from);
        at += stretch.length - from;
        continue;
      }
      promptLength = promptLength < 0 ? at : promptLength;
      int end = turnEnd(stretch);
      int kept = i == last ? end : stretch.length;
      System.arraycopy(stretch, 0, tokens, at, kept);
      learnt.set(at, at + end);
      at += kept;
      if (i == last && script.ending() && !endsTurn(stretch, end)) {
        int eos = vocabulary.eosId() != Vocabulary.NONE ? vocabulary.eosId() : vocabulary.eotId();
        if (eos != Vocabulary.NONE) {
          learnt.set(at);
          tokens[at++] = eos;
        }
      }
    }
    return new Encoded(Arrays.copyOf(tokens, at), learnt, promptLength < 0 ? at : promptLength, doubled);
  }

  /** As {@link #finish}, but every token is learnt, so that nothing is left out behind the last answer. */
  private Encoded whole(Script script, int[][] stretches) {
    int bos = vocabulary.bosId();
    int[] all = Arrays.stream(stretches).flatMapToInt(Arrays::stream).toArray();
    boolean startsWithBos = bos != Vocabulary.NONE && all.length > 0 && all[0] == bos;
    boolean doubled = startsWithBos && all.length > 1 && all[1] == bos;
    boolean addBos = vocabulary.addBos() && !startsWithBos;
    int eos = vocabulary.eosId() != Vocabulary.NONE ? vocabulary.eosId() : vocabulary.eotId();
    boolean addEos = script.ending() && eos != Vocabulary.NONE && !endsTurn(all, turnEnd(all));
    int skip = doubled ? 1 : 0;
    int before = addBos ? 1 : 0;
    int[] tokens = new int[before + all.length - skip + (addEos ? 1 : 0)];
    System.arraycopy(all, skip, tokens, before, all.length - skip);
    if (addBos) {
      tokens[0] = bos;
    }
    if (addEos) {
      tokens[tokens.length - 1] = eos;
    }
    int promptLength = before - skip;
    for (int i = 0; i < stretches.length && !script.spans().get(i).learnt(); i++) {
      promptLength += stretches[i].length;
    }
    boolean answered = lastLearnt(script) >= 0;
    return new Encoded(tokens, AllTokens.learnt(tokens, vocabulary), answered ? promptLength : tokens.length, doubled);
  }

  private static int lastLearnt(Script script) {
    for (int i = script.spans().size() - 1; i >= 0; i--) {
      if (script.spans().get(i).learnt()) {
        return i;
      }
    }
    return -1;
  }

  private boolean endsTurn(int[] stretch, int end) {
    return end > 0 && vocabulary.endOfGeneration().contains(stretch[end - 1]);
  }

  /** End of what is learnt of a stretch: behind its end token when only white space follows it, which nobody has to write. */
  private int turnEnd(int[] stretch) {
    for (int i = stretch.length - 1; i >= 0; i--) {
      if (vocabulary.endOfGeneration().contains(stretch[i])) {
        boolean blank = vocabulary.decode(Arrays.copyOfRange(stretch, i + 1, stretch.length), true).isBlank();
        return blank ? i + 1 : stretch.length;
      }
    }
    return stretch.length;
  }
}
