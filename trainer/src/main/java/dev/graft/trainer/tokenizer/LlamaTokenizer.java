package dev.graft.trainer.tokenizer;

import dev.graft.bindings.GgufFile;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.llama.LlamaOptions;
import dev.graft.trainer.llama.LlamaProcess;
import dev.graft.trainer.llama.LlamaProcessException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * llama.cpp's tokenizer of a model, whatever its architecture: the vocabulary is copied into a tiny model, which java-llama.cpp loads in
 * a child process, so a malformed vocabulary that makes llama.cpp abort ends that process only. Threads may share it.
 */
public final class LlamaTokenizer implements Tokenizer {
  /** Characters sent in one request. */
  private static final int BATCH = 1 << 20;
  /** Texts up to this length are remembered: prompts repeat, long texts seldom do. */
  private static final int CACHED_TEXT = 1 << 14;
  private static final int CACHED_TEXTS = 4096;

  private final Vocabulary vocabulary;
  private final LlamaProcess process;
  private final Map<String, int[]> cache =
      new LinkedHashMap<>(256, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, int[]> eldest) {
          return size() > CACHED_TEXTS;
        }
      };

  private LlamaTokenizer(Vocabulary vocabulary, LlamaProcess process) {
    this.vocabulary = vocabulary;
    this.process = process;
  }

  /**
   * Starts llama.cpp on a model's vocabulary.
   *
   * @throws DataException when llama.cpp does not take the vocabulary
   * @throws LlamaProcessException when the process cannot start
   */
  public static LlamaTokenizer open(Path model) {
    try (GgufFile file = GgufFile.open(model)) {
      return open(file, Vocabulary.read(file, model));
    }
  }

  /** As {@link #open(Path)} on a file that is open already; it is needed only during this call. */
  public static LlamaTokenizer open(GgufFile file, Vocabulary vocabulary) {
    Path folder = null;
    Path tiny = null;
    try {
      folder = Files.createTempDirectory("graft-tokenizer-");
      tiny = folder.resolve("tokenizer.gguf");
      file.writeTokenizer(tiny);
      LlamaProcess process = LlamaProcess.start(LlamaOptions.of(tiny).withContext(32).withThreads(1));
      return new LlamaTokenizer(vocabulary, process);
    } catch (LlamaProcessException e) {
      String reason = e.getMessage().replace(String.valueOf(tiny), "its vocabulary");
      throw new DataException(file.path(), 0, "llama.cpp does not take this model's tokenizer; use a model whose tokenizer it knows. " + reason, e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      delete(tiny); // llama.cpp has it mapped: on systems that keep it until then, it stays in the temporary folder
      delete(folder);
    }
  }

  private static void delete(Path path) {
    try {
      if (path != null) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      path.toFile().deleteOnExit();
    }
  }

  @Override
  public synchronized List<int[]> encodeAll(List<String> texts) {
    Map<String, int[]> known = new LinkedHashMap<>();
    Set<String> missing = new LinkedHashSet<>();
    for (String text : texts) {
      int[] ids = text.isEmpty() ? new int[0] : cache.get(text);
      if (ids != null) {
        known.put(text, ids);
      } else {
        missing.add(text);
      }
    }
    List<String> batch = new ArrayList<>();
    int characters = 0;
    for (String text : missing) {
      batch.add(text);
      characters += text.length();
      if (characters >= BATCH) {
        send(batch, known);
        characters = 0;
      }
    }
    send(batch, known);
    List<int[]> result = new ArrayList<>(texts.size());
    texts.forEach(text -> result.add(known.get(text).clone()));
    return result;
  }

  private void send(List<String> batch, Map<String, int[]> known) {
    if (batch.isEmpty()) {
      return;
    }
    List<int[]> ids = process.encode(batch);
    for (int i = 0; i < batch.size(); i++) {
      known.put(batch.get(i), ids.get(i));
      if (batch.get(i).length() <= CACHED_TEXT) {
        cache.put(batch.get(i), ids.get(i));
      }
    }
    batch.clear();
  }

  /** The text llama.cpp itself makes of ids, special tokens included; the oracle of {@link Vocabulary#decode}. */
  String decodeByLlama(int[] ids) {
    return process.decode(ids);
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /** Ends the child process. */
  @Override
  public void close() {
    process.close();
  }
}
