package dev.graft.trainer.run;

import dev.graft.bindings.GgufFile;
import dev.graft.trainer.data.DataOptions;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.DatasetReader;
import dev.graft.trainer.data.PromptEncoder;
import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.tokenizer.LlamaTokenizer;
import dev.graft.trainer.tokenizer.Tokenizer;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;

/**
 * Reads data files for one model: its vocabulary, its chat template, and its tokenizer, which starts only when a row holds text.
 * Threads may share it; closing ends the tokenizer's process.
 */
public final class RowSource implements AutoCloseable {
  private final Path model;
  private final int vocabularySize;
  private final Vocabulary vocabulary;
  private final Optional<ChatTemplate> template;
  private Tokenizer tokenizer;

  private RowSource(Path model, int vocabularySize, Vocabulary vocabulary, Optional<ChatTemplate> template) {
    this.model = model;
    this.vocabularySize = vocabularySize;
    this.vocabulary = vocabulary;
    this.template = template;
  }

  /**
   * @param model the GGUF whose tokenizer is used
   * @param vocabularySize rows of the model's embedding; ids must be below
   * @param template {@code auto}, {@code none}, a name or a file
   */
  public static RowSource open(Path model, int vocabularySize, String template) {
    return open(model, vocabularySize, template, Clock.systemDefaultZone());
  }

  /** The same with a clock for templates that write the date; a resumed run needs the first one's, to see the same tokens. */
  public static RowSource open(Path model, int vocabularySize, String template, Clock clock) {
    try (GgufFile file = GgufFile.open(model)) {
      Vocabulary vocabulary = Vocabulary.read(file, model);
      return new RowSource(model, vocabularySize, vocabulary, ChatTemplate.resolve(template, vocabulary, model).map(found -> found.withClock(clock)));
    }
  }

  /**
   * Reads a file of rows.
   *
   * @param maxLength most tokens of a row, 0 for no limit
   * @param keepAll rows without targets stay, so that positions are kept
   */
  public Dataset read(Path data, Dataset.Kind kind, int maxLength, boolean keepAll) {
    return read(data, kind, maxLength, keepAll, false);
  }

  /**
   * As {@link #read(Path, Dataset.Kind, int, boolean)}.
   *
   * @param trainOnPrompts prompts and template tokens are learnt too, as {@link DataOptions#trainOnPrompts} says
   */
  public Dataset read(Path data, Dataset.Kind kind, int maxLength, boolean keepAll, boolean trainOnPrompts) {
    return new DatasetReader(options(maxLength, keepAll).withTrainOnPrompts(trainOnPrompts)).read(data, kind);
  }

  /** Ids of a user's text as a trained row's prompt would have them; never cut. */
  public int[] prompt(String text) {
    return new PromptEncoder(options(0, true)).encode(text);
  }

  /** Encodes prompts as {@link #prompt} does, messages too; never cut. @param where begins the messages of its errors */
  public PromptEncoder prompts(Path where) {
    return new PromptEncoder(options(0, true), where);
  }

  /** Encodes text as it stands, with a BOS when the vocabulary asks for it: no template. @param where begins the messages of its errors */
  public PromptEncoder plainPrompts(Path where) {
    return new PromptEncoder(new DataOptions(vocabulary, vocabularySize, this::tokenizer, Optional.empty(), 0, true), where);
  }

  private DataOptions options(int maxLength, boolean keepAll) {
    return new DataOptions(vocabulary, vocabularySize, this::tokenizer, template, maxLength, keepAll);
  }

  /** The model's vocabulary. */
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /** The chat template in use, or empty. */
  public Optional<ChatTemplate> template() {
    return template;
  }

  /** The tokenizer, started at the first call; closed with this. */
  public synchronized Tokenizer tokenizer() {
    if (tokenizer == null) {
      tokenizer = LlamaTokenizer.open(model);
    }
    return tokenizer;
  }

  /** Ends the tokenizer's process if one was started; what was read stays usable. */
  @Override
  public synchronized void close() {
    if (tokenizer != null) {
      tokenizer.close();
      tokenizer = null;
    }
  }
}
