package dev.graft.trainer.data;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/** Rows that are encoded together. */
final class RowBatch {
  private final Path file;
  private final DataOptions options;
  private final ReportBuilder report;
  private final boolean promptOnly;
  private final boolean unpaired;
  private final ExampleBuilder builder;
  private final PlainRows plain;
  private final List<Row> rows = new ArrayList<>();
  private int characters;
  private ScriptEncoder encoder;

  RowBatch(Path file, DataOptions options, ReportBuilder report, Dataset.Kind kind) {
    this.file = file;
    this.options = options;
    this.report = report;
    this.promptOnly = kind == Dataset.Kind.PROMPT;
    this.unpaired = kind == Dataset.Kind.UNPAIRED;
    builder = new ExampleBuilder(options, report);
    plain = new PlainRows(options, report);
  }

  void add(Row row, int length) {
    rows.add(row);
    characters += length;
  }

  int rows() {
    return rows.size();
  }

  int characters() {
    return characters;
  }

  /** Turns the gathered rows into examples. */
  void flush(List<Example> examples) {
    Scripts writer = new Scripts(file, options.vocabulary(), options.template(), promptOnly);
    List<Script> scripts = new ArrayList<>();
    List<List<Script>> ofRow = new ArrayList<>(rows.size());
    for (Row row : rows) {
      List<Script> own = writer.of(row);
      ofRow.add(own);
      scripts.addAll(own);
    }
    List<Encoded> encoded = scripts.isEmpty() ? List.of() : encoder().encode(scripts);
    List<Row.Plain> texts = rows.stream().filter(Row.Plain.class::isInstance).map(Row.Plain.class::cast).toList();
    Iterator<int[]> ids = texts.isEmpty() ? Collections.emptyIterator() : plain.encode(texts, options.tokenizer().get()).iterator();
    int at = 0;
    for (int i = 0; i < rows.size(); i++) {
      List<Encoded> own = encoded.subList(at, at + ofRow.get(i).size());
      at += own.size();
      if (rows.get(i) instanceof Row.Plain text) {
        plain.add(text, ids.next(), examples);
        continue;
      }
      add(rows.get(i), own, writer, examples);
    }
    rows.clear();
    characters = 0;
  }

  private void add(Row row, List<Encoded> encoded, Scripts writer, List<Example> examples) {
    if (row instanceof Row.SftIds ids && promptOnly) {
      examples.add(builder.prompt(ids.line(), ids.prompt(), false));
    } else if (row instanceof Row.SftIds ids && unpaired) {
      builder.labelled(ids.line(), ids.prompt(), ids.completion(), ids.label(), false).ifPresent(examples::add);
    } else if (row instanceof Row.SftIds ids) {
      int[] tokens = concat(ids.prompt(), ids.completion());
      BitSet learnt = options.trainOnPrompts() ? AllTokens.learnt(tokens, options.vocabulary()) : new BitSet(tokens.length);
      if (!options.trainOnPrompts()) {
        learnt.set(ids.prompt().length, tokens.length);
      }
      builder.sft(ids.line(), new Encoded(tokens, learnt, ids.prompt().length, false), false).ifPresent(examples::add);
    } else if (row instanceof Row.PreferenceIds ids) {
      pair(ids.line(), ids.prompt(), ids.chosen(), ids.rejected(), false, examples);
    } else {
      text(row, encoded, writer, examples);
    }
  }

  private void text(Row row, List<Encoded> encoded, Scripts writer, List<Example> examples) {
    Encoded first = encoded.get(0);
    boolean chat = row instanceof Row.Chat;
    if (first.promptLength() == 0 && !options.trainOnPrompts() && (promptOnly || !first.learnt().isEmpty()) && (!chat || first.tokens().length == 0)) {
      throw new DataException(file, row.line(), "has an empty prompt and this model has no BOS, so nothing comes before the first token to be predicted; write a prompt");
    }
    boolean doubled = first.doubledBos() || repeatsBos(writer.texts(row), first);
    if (promptOnly) {
      examples.add(builder.prompt(row.line(), Arrays.copyOf(first.tokens(), first.promptLength()), doubled));
    } else if (encoded.size() == 2) {
      int[] prompt = Arrays.copyOf(first.tokens(), first.promptLength());
      pair(row.line(), prompt, answer(first), answer(encoded.get(1)), doubled, examples);
    } else if (unpaired && row instanceof Row.Text labelled) {
      int[] prompt = Arrays.copyOf(first.tokens(), first.promptLength());
      builder.labelled(row.line(), prompt, answer(first), labelled.label(), doubled).ifPresent(examples::add);
    } else {
      Encoded marked = new Encoded(first.tokens(), first.learnt(), first.promptLength(), doubled);
      builder.sft(row.line(), marked, chat).ifPresent(examples::add);
    }
  }

  private void pair(int line, int[] prompt, int[] chosen, int[] rejected, boolean doubled, List<Example> examples) {
    Optional<Example> pair = builder.preference(line, prompt, chosen, rejected, doubled);
    if (unpaired && pair.orElse(null) instanceof PreferenceExample both) {
      examples.add(new LabelledExample(line, both.prompt(), both.chosen(), true));
      examples.add(new LabelledExample(line, both.prompt(), both.rejected(), false));
    } else {
      pair.ifPresent(examples::add);
    }
  }

  /** Whether the row's own text brings a BOS that comes on top of the template's or the vocabulary's. */
  private boolean repeatsBos(List<String> texts, Encoded encoded) {
    Vocabulary vocabulary = options.vocabulary();
    int bos = vocabulary.bosId();
    if (bos == Vocabulary.NONE || bos == vocabulary.eosId() || texts.stream().noneMatch(text -> text.contains(vocabulary.bosText()))) {
      return false;
    }
    return Arrays.stream(encoded.tokens()).filter(id -> id == bos).count() > 1;
  }

  private static int[] answer(Encoded encoded) {
    return Arrays.copyOfRange(encoded.tokens(), encoded.promptLength(), encoded.tokens().length);
  }

  private ScriptEncoder encoder() {
    if (encoder == null) {
      encoder = new ScriptEncoder(options.tokenizer().get(), options.vocabulary(), options.trainOnPrompts());
    }
    return encoder;
  }

  private static int[] concat(int[] a, int[] b) {
    int[] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }
}
