package dev.graft.trainer.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** The texts of a data file, without template or tokens: what a vocabulary is learnt from. */
public final class Texts {
  private Texts() {}

  /**
   * Gives each text of a file, in order: of {@code .txt}, the file in blocks that end between words; of JSONL rows, the strings
   * {@code text}, {@code prompt}, {@code completion}, {@code chosen}, {@code rejected} and the contents of messages.
   *
   * @throws DataException naming the line, when the file is empty, not UTF-8, or a row is wrong or holds ids
   * @throws UncheckedIOException when the file cannot be read
   */
  public static void forEach(Path file, Consumer<String> sink) {
    try {
      boolean any = PlainText.is(file) ? plain(file, sink) : rows(file, sink);
      if (!any) {
        throw new DataException(file, 0, "is empty; give a file with text");
      }
    } catch (NoSuchFileException e) {
      throw new DataException(file, 0, "no such file; check the path", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean plain(Path file, Consumer<String> sink) throws IOException {
    boolean any = false;
    try (PlainText text = new PlainText(file)) {
      for (String block = text.next(); block != null; block = text.next()) {
        sink.accept(block);
        any = true;
      }
    }
    return any;
  }

  private static boolean rows(Path file, Consumer<String> sink) throws IOException {
    boolean any = false;
    RowParser parser = new RowParser(file, Integer.MAX_VALUE, false);
    try (LineReader lines = new LineReader(file)) {
      for (String line = lines.next(); line != null; line = lines.next()) {
        if (!line.isBlank()) {
          any = true;
          row(file, parser.parse(lines.line(), line), sink);
        }
      }
    }
    return any;
  }

  private static void row(Path file, Row row, Consumer<String> sink) {
    if (row instanceof Row.Plain plain) {
      sink.accept(plain.text());
    } else if (row instanceof Row.Chat chat) {
      contents(chat.messages(), sink);
    } else if (row instanceof Row.Text text) {
      turns(text.prompt(), sink);
      text.answers().forEach(answer -> turns(answer, sink));
    } else {
      throw new DataException(file, row.line(), "holds token ids, not text; a vocabulary is learnt from text");
    }
  }

  private static void turns(Row.Turns turns, Consumer<String> sink) {
    if (turns.text() != null) {
      sink.accept(turns.text());
    } else {
      contents(turns.messages(), sink);
    }
  }

  private static void contents(List<Map<String, Object>> messages, Consumer<String> sink) {
    for (Map<String, Object> message : messages) {
      if (message.get("content") instanceof String content) {
        sink.accept(content);
      }
    }
  }
}
