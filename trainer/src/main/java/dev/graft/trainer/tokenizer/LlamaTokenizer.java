package dev.graft.trainer.tokenizer;

import dev.graft.bindings.GgufFile;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.llama.LlamaProcessException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * llama.cpp's tokenizer of a model, whatever its architecture: the vocabulary is copied into a tiny model, which java-llama.cpp loads in
 * a child process, so a malformed vocabulary that makes llama.cpp abort ends that process only. Much text at once is shared out to
 * several such processes, since llama.cpp splits text into words slowly. Threads may share it.
 */
public final class LlamaTokenizer implements Tokenizer {
  /** Texts up to this length are remembered: prompts repeat, long texts seldom do. */
  private static final int CACHED_TEXT = 1 << 14;
  private static final int CACHED_TEXTS = 4096;

  private final Vocabulary vocabulary;
  private final WorkerPool workers;
  private final Map<String, int[]> cache =
      new LinkedHashMap<>(256, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, int[]> eldest) {
          return size() > CACHED_TEXTS;
        }
      };

  private LlamaTokenizer(Vocabulary vocabulary, WorkerPool workers) {
    this.vocabulary = vocabulary;
    this.workers = workers;
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
    Path tiny = null;
    try {
      tiny = Files.createTempDirectory("graft-tokenizer-").resolve("tokenizer.gguf");
      file.writeTokenizer(tiny);
      return new LlamaTokenizer(vocabulary, new WorkerPool(tiny, Math.min(8, Runtime.getRuntime().availableProcessors())));
    } catch (LlamaProcessException e) {
      WorkerPool.delete(tiny);
      String reason = e.getMessage().replace(String.valueOf(tiny), "its vocabulary");
      throw new DataException(file.path(), 0, "llama.cpp does not take this model's tokenizer; use a model whose tokenizer it knows. " + reason, e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      WorkerPool.delete(tiny);
      throw e;
    }
  }

  @Override
  public synchronized List<int[]> encodeAll(List<String> texts) {
    Map<String, int[]> known = new HashMap<>();
    Set<String> missing = new LinkedHashSet<>();
    for (String text : texts) {
      int[] ids = text.isEmpty() ? new int[0] : cache.get(text);
      if (ids != null) {
        known.put(text, ids);
      } else {
        missing.add(text);
      }
    }
    List<String> asked = List.copyOf(missing);
    List<int[]> answers = asked.isEmpty() ? List.of() : workers.encode(asked);
    for (int i = 0; i < asked.size(); i++) {
      known.put(asked.get(i), answers.get(i));
      if (asked.get(i).length() <= CACHED_TEXT) {
        cache.put(asked.get(i), answers.get(i));
      }
    }
    List<int[]> result = new ArrayList<>(texts.size());
    texts.forEach(text -> result.add(known.get(text).clone()));
    return result;
  }

  /** The text llama.cpp itself makes of ids, special tokens included; the oracle of {@link Vocabulary#decode}. */
  String decodeByLlama(int[] ids) {
    return workers.first().decode(ids);
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /** Ends the child processes. */
  @Override
  public void close() {
    workers.close();
  }
}
