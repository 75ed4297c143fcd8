package dev.graft.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Encodes single prompts exactly as {@link DatasetReader} encodes those of rows: for {@code graft generate --prompt}, and servers. */
public final class PromptEncoder {
  private static final Path NOWHERE = Path.of("--prompt");

  private final DataOptions options;
  private final Path where;

  /** @param options template, tokenizer and limit; a prompt longer than the limit is cut from the left */
  public PromptEncoder(DataOptions options) {
    this(options, NOWHERE);
  }

  /** @param where begins the message of a {@link DataException}, as a data file's name would */
  public PromptEncoder(DataOptions options, Path where) {
    this.options = options;
    this.where = where;
  }

  /**
   * Ids of a user's text: through the template when there is one, else with a BOS when the vocabulary asks for it.
   *
   * @throws DataException when nothing is left to start from, or the template refuses it
   */
  public int[] encode(String prompt) {
    return encode(new Row.Text(0, new Row.Turns(prompt, null), List.of(), Map.of(), null));
  }

  /** Ids of a conversation that ends with the header of the assistant's next turn. */
  public int[] encode(List<Map<String, Object>> messages) {
    return encode(new Row.Text(0, new Row.Turns(null, messages), List.of(), Map.of(), null));
  }

  /**
   * Ids of messages as JSON has them, read as a data file's are.
   *
   * @param extra more variables for the template: tools, say
   * @throws DataException when they are no messages, or the template refuses them
   */
  public int[] encode(JsonNode messages, Map<String, Object> extra) {
    return encode(new Row.Text(0, new Row.Turns(null, new Messages(where, 0).read("messages", messages)), List.of(), extra, null));
  }

  private int[] encode(Row row) {
    List<Example> examples = new ArrayList<>();
    RowBatch batch = new RowBatch(where, options, new ReportBuilder(), Dataset.Kind.PROMPT);
    batch.add(row, 0);
    batch.flush(examples);
    return ((PromptExample) examples.get(0)).tokens();
  }
}
