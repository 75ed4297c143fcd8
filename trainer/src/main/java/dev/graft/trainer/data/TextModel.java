package dev.graft.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.GgufFile;
import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.tokenizer.LlamaTokenizer;
import dev.graft.trainer.tokenizer.Metadata;
import dev.graft.trainer.tokenizer.Tokenizer;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;

/**
 * What a model file says about text: vocabulary, template, context; and its tokenizer, started when first asked for. Opening reads no
 * weights. Threads may share it; closing ends the tokenizer.
 */
public final class TextModel implements AutoCloseable {
  private final Path path;
  private final Vocabulary vocabulary;
  private final int vocabularySize;
  private final int contextLength;
  private Tokenizer tokenizer;

  private TextModel(Path path, Vocabulary vocabulary, int vocabularySize, int contextLength) {
    this.path = path;
    this.vocabulary = vocabulary;
    this.vocabularySize = vocabularySize;
    this.contextLength = contextLength;
  }

  /**
   * Reads a model file's metadata.
   *
   * @throws dev.graft.bindings.GraftException when the file is damaged or has no vocabulary
   */
  public static TextModel open(Path path) {
    try (GgufFile file = GgufFile.open(path)) {
      JsonNode header = file.describe(-1);
      Metadata metadata = Metadata.of(header, file);
      String architecture = metadata.value("general.architecture").map(JsonNode::asText).orElse("");
      int context = metadata.value(architecture + ".context_length").filter(JsonNode::canConvertToInt).map(JsonNode::intValue).orElse(0);
      Vocabulary vocabulary = Vocabulary.read(metadata, path);
      return new TextModel(path, vocabulary, embeddingRows(header, vocabulary.size()), Math.max(0, context));
    }
  }

  private static int embeddingRows(JsonNode header, int fallback) {
    for (JsonNode tensor : header.path("tensors")) {
      if (tensor.path("name").asText().equals("token_embd.weight")) {
        return Math.min(fallback, tensor.path("shape").path(1).asInt(fallback));
      }
    }
    return fallback;
  }

  /** The model file. */
  public Path path() {
    return path;
  }

  /** Pieces, special ids, flags and the file's own template. */
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /** Ids are below this: rows of the embedding that the vocabulary names. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /** Tokens the model was made for, or 0 when the file does not say. */
  public int contextLength() {
    return contextLength;
  }

  /** The tokenizer, started now if it was not; closed with this object. */
  public synchronized Tokenizer tokenizer() {
    if (tokenizer == null) {
      try (GgufFile file = GgufFile.open(path)) {
        tokenizer = LlamaTokenizer.open(file, vocabulary);
      }
    }
    return tokenizer;
  }

  /**
   * Options for reading data for this model.
   *
   * @param template as {@code --template}: auto, none, a name or a file
   * @param maxLength most tokens of a sequence; 0 means no limit
   * @throws DataException when the template is unknown or does not parse
   * @throws IllegalArgumentException when maxLength is 1 or negative
   */
  public DataOptions options(String template, int maxLength) {
    return new DataOptions(vocabulary, vocabularySize, this::tokenizer, ChatTemplate.resolve(template, vocabulary, path), maxLength, false);
  }

  /** Ends the tokenizer's process, if one was started. */
  @Override
  public synchronized void close() {
    if (tokenizer != null) {
      tokenizer.close();
      tokenizer = null;
    }
  }
}
