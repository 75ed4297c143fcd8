package dev.graft.trainer.data;

import dev.graft.trainer.tokenizer.Tokenizer;
import dev.graft.trainer.tokenizer.Vocabulary;
import dev.graft.trainer.tokenizer.VocabularyKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Rows of plain text as examples all of whose tokens are learnt: BOS, the text, EOS. A longer text becomes consecutive windows, each
 * with a BOS of its own, the last one with the EOS; where the vocabulary adds no BOS, each window begins with the last token of the one
 * before. So every token of the text is a target once (without a BOS, all but the first).
 */
final class PlainRows {
  private final DataOptions options;
  private final ReportBuilder report;

  PlainRows(DataOptions options, ReportBuilder report) {
    this.options = options;
    this.report = report;
  }

  /** Ids of texts, in order; long ones are encoded block by block where that makes no difference. */
  List<int[]> encode(List<Row.Plain> rows, Tokenizer tokenizer) {
    boolean inBlocks = options.vocabulary().kind() == VocabularyKind.BPE;
    List<String> blocks = new ArrayList<>();
    List<Integer> counts = new ArrayList<>();
    for (Row.Plain row : rows) {
      List<String> own = inBlocks ? PlainText.blocks(row.text()) : List.of(row.text());
      blocks.addAll(own);
      counts.add(own.size());
    }
    List<int[]> ids = tokenizer.encodeAll(blocks);
    List<int[]> result = new ArrayList<>(rows.size());
    int at = 0;
    for (int count : counts) {
      result.add(ids.subList(at, at + count).stream().flatMapToInt(Arrays::stream).toArray());
      at += count;
    }
    return result;
  }

  /** Adds the examples of a row. */
  void add(Row.Plain row, int[] ids, List<Example> examples) {
    Vocabulary vocabulary = options.vocabulary();
    int bos = vocabulary.bosId();
    int from = 0;
    while (bos != Vocabulary.NONE && vocabulary.addBos() && from < ids.length && ids[from] == bos) {
      from++; // the windows have their own
    }
    if (from > 1) {
      report.doubledBos.add(row.line());
    }
    int[] stream = ended(Arrays.copyOfRange(ids, from, ids.length));
    List<SftExample> windows = stream.length == 0 ? List.of() : windows(row.line(), stream);
    if (windows.stream().allMatch(window -> window.targets() == 0)) {
      report.emptied.add(row.line());
      if (options.keepAll()) {
        examples.addAll(windows.isEmpty() ? List.of(example(row.line(), new int[0])) : windows);
      }
      return;
    }
    if (windows.size() > 1) {
      report.cutTexts.add(row.line());
    }
    report.keepText(windows);
    examples.addAll(windows);
  }

  /** With EOS, unless the text is empty or brings its own. */
  private int[] ended(int[] ids) {
    Vocabulary vocabulary = options.vocabulary();
    int eos = vocabulary.eosId() != Vocabulary.NONE ? vocabulary.eosId() : vocabulary.eotId();
    if (ids.length == 0 || eos == Vocabulary.NONE || vocabulary.endOfGeneration().contains(ids[ids.length - 1])) {
      return ids;
    }
    int[] ended = Arrays.copyOf(ids, ids.length + 1);
    ended[ids.length] = eos;
    return ended;
  }

  private List<SftExample> windows(int line, int[] stream) {
    boolean addBos = options.vocabulary().addBos();
    int first = addBos ? 0 : 1; // tokens of the stream that are not learnt
    int step = options.maxLength() == 0 ? Math.max(1, stream.length) : options.maxLength() - 1;
    List<SftExample> windows = new ArrayList<>();
    for (int at = first; at < stream.length || windows.isEmpty(); at += step) {
      int end = (int) Math.min((long) at + step, stream.length);
      int[] tokens = new int[end - at + 1];
      tokens[0] = addBos ? options.vocabulary().bosId() : stream[at - 1];
      System.arraycopy(stream, at, tokens, 1, end - at);
      windows.add(example(line, tokens));
    }
    return windows;
  }

  private SftExample example(int line, int[] tokens) {
    return new SftExample(line, tokens, AllTokens.learnt(tokens, options.vocabulary()), -1);
  }
}
