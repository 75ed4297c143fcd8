package dev.graft.trainer.data;

import dev.graft.trainer.data.Dataset.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a JSONL file of rows to learn from, in one pass: {@code prompt} and {@code completion}, {@code messages}, {@code text},
 * {@code prompt}, {@code chosen} and {@code rejected} (strings or lists of messages), or ready {@code *_ids}, which are used exactly as
 * given. A file whose name ends in {@code .txt} is one row of text.
 */
public final class DatasetReader {
  private static final int BATCH_ROWS = 16384;
  private static final int BATCH_CHARACTERS = 4 << 20;

  private final DataOptions options;

  /** @param options how rows become tokens */
  public DatasetReader(DataOptions options) {
    this.options = options;
  }

  /**
   * Reads all rows.
   *
   * @param kind what the rows must be; ANY takes what the first row is
   * @throws DataException naming the line, when a row is wrong, the kinds differ, or no row is left
   * @throws UncheckedIOException when the file cannot be read
   */
  public Dataset read(Path file, Kind kind) {
    if (PlainText.is(file)) {
      return plain(file, kind);
    }
    try (LineReader lines = new LineReader(file)) {
      return read(file, kind, lines);
    } catch (NoSuchFileException e) {
      throw new DataException(file, 0, "no such file; check the path", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Dataset read(Path file, Kind kind, LineReader lines) throws IOException {
    RowParser parser = new RowParser(file, options.vocabularySize(), kind == Kind.PROMPT);
    ReportBuilder report = new ReportBuilder();
    RowBatch batch = new RowBatch(file, options, report, kind);
    List<Example> examples = new ArrayList<>();
    boolean any = kind == Kind.ANY || kind == Kind.ANSWERS;
    Kind found = any ? null : kind;
    int firstLine = 0;
    for (String text = lines.next(); text != null; text = lines.next()) {
      if (text.isBlank()) {
        continue;
      }
      Row row = parser.parse(lines.line(), text);
      report.row();
      if (row instanceof Row.Plain) {
        refuseText(file, lines.line(), "is text to be learnt whole, without", kind);
      }
      if (kind != Kind.PROMPT) {
        Kind own = kind(row, kind);
        firstLine = firstLine == 0 ? lines.line() : firstLine;
        found = found == null ? own : found;
        if (own != found) {
          throw wrongKind(file, lines.line(), own, found, any ? firstLine : 0);
        }
      }
      batch.add(row, text.length());
      if (batch.rows() >= BATCH_ROWS || batch.characters() >= BATCH_CHARACTERS) {
        batch.flush(examples);
      }
    }
    batch.flush(examples);
    if (report.rows() == 0) {
      throw new DataException(file, 0, "holds no rows; it must have one JSON object a line");
    }
    return dataset(file, found, examples, report, lines.sha256());
  }

  private Dataset plain(Path file, Kind kind) {
    refuseText(file, 0, "is plain text (.txt), without", kind);
    ReportBuilder report = new ReportBuilder();
    RowBatch batch = new RowBatch(file, options, report, Kind.SFT);
    List<Example> examples = new ArrayList<>();
    try (PlainText text = new PlainText(file)) {
      String whole = text.whole();
      if (whole.isEmpty()) {
        throw new DataException(file, 0, "is empty; give a file with text");
      }
      report.row();
      batch.add(new Row.Plain(1, whole), 0);
      batch.flush(examples);
      return dataset(file, Kind.SFT, examples, report, text.sha256());
    } catch (NoSuchFileException e) {
      throw new DataException(file, 0, "no such file; check the path", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Dataset dataset(Path file, Kind kind, List<Example> examples, ReportBuilder report, String sha256) {
    if (report.kept() == 0 && !options.keepAll()) {
      String why = report.faults();
      throw new DataException(file, 0, "has " + report.rows() + " rows, but none has anything to learn" + (why.isEmpty() ? "" : ": " + why)
          + "; see them with graft preview, and check that they have answers");
    }
    return new Dataset(file, kind, examples, report.build(options.maxLength(), sha256));
  }

  /** Text has neither prompt nor answers. */
  private static void refuseText(Path file, int line, String what, Kind asked) {
    String lacks = switch (asked) {
      case PREFERENCE, UNPAIRED -> "chosen and rejected answers";
      case PROMPT -> "a prompt";
      case ANSWERS -> "a completion";
      case SFT, ANY -> null;
    };
    if (lacks != null) {
      throw new DataException(file, line, what + " " + lacks + ", which this command needs; learn text with graft sft");
    }
  }

  /** What a row is when this is asked for: a label matters only to who asks for labels, or for pairs; and pairs do for unpaired rows. */
  private static Kind kind(Row row, Kind asked) {
    if (row instanceof Row.PreferenceIds || row instanceof Row.Text t && t.preference()) {
      return asked == Kind.UNPAIRED ? Kind.UNPAIRED : Kind.PREFERENCE;
    }
    boolean labelled = row instanceof Row.SftIds ids && ids.label() != null || row instanceof Row.Text text && text.label() != null;
    return labelled && (asked == Kind.UNPAIRED || asked == Kind.PREFERENCE) ? Kind.UNPAIRED : Kind.SFT;
  }

  private static DataException wrongKind(Path file, int line, Kind own, Kind wanted, int firstLine) {
    String is = switch (own) {
      case PREFERENCE -> "is a preference pair (chosen, rejected)";
      case UNPAIRED -> "is an unpaired preference (completion with a label true or false)";
      default -> wanted == Kind.UNPAIRED ? "has no label that is true or false" : "is a row for supervised training (completion or messages)";
    };
    String want = switch (wanted) {
      case UNPAIRED -> "the loss needs rows with prompt, completion and label (or pairs with chosen and rejected)";
      case PREFERENCE -> own == Kind.UNPAIRED
          ? "this loss needs rows with chosen and rejected; --loss kto takes labels"
          : "this command needs rows with chosen and rejected; learn these with graft sft";
      default -> "this command needs rows with a completion" + (own == Kind.PREFERENCE ? "; learn pairs with graft dpo" : "");
    };
    return new DataException(file, line, is + (firstLine > 0 ? ", but line " + firstLine + " is of the other kind; keep one kind in a file" : ", but " + want));
  }
}
