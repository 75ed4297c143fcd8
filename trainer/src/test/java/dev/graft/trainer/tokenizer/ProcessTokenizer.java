package dev.graft.trainer.tokenizer;

import dev.graft.trainer.llama.LlamaOptions;
import dev.graft.trainer.llama.LlamaProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** llama.cpp's own tokenizer of a test vocabulary, without the native library of Graft. */
public final class ProcessTokenizer implements Tokenizer {
  private final Vocabulary vocabulary;
  private final LlamaProcess process;

  public ProcessTokenizer(TestGguf gguf, Path folder) throws IOException {
    vocabulary = TestVocabularies.read(gguf);
    process = LlamaProcess.start(LlamaOptions.of(gguf.write(folder.resolve("vocabulary-" + System.nanoTime() + ".gguf"))).withThreads(1));
  }

  public LlamaProcess process() {
    return process;
  }

  @Override
  public List<int[]> encodeAll(List<String> texts) {
    return process.encode(texts);
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public void close() {
    process.close();
  }
}
