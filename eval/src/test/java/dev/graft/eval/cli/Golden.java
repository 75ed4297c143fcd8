package dev.graft.eval.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.GraftRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The oracle cases: a model, an adapter, rows, and what float64 autograd makes of them. */
record Golden(Path folder) {
  private static final ObjectMapper JSON = new ObjectMapper();

  static Golden of(String name) {
    try {
      return new Golden(Path.of(Golden.class.getResource("/golden/" + name).toURI()));
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static Stream<String> names() {
    return Stream.of("llama_f32", "llama_q8_0", "llama_q4_k_m");
  }

  /** Every instruction set that this machine can run. */
  static List<String> isas() {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1)) {
      return runtime.info().isas();
    }
  }

  Path model() {
    return folder.resolve("model.gguf");
  }

  Path adapter() {
    return folder.resolve("adapter.gguf");
  }

  Path sft() {
    return folder.resolve("sft.jsonl");
  }

  Path dpo() {
    return folder.resolve("dpo.jsonl");
  }

  JsonNode expected() {
    return read("expected.json");
  }

  private JsonNode read(String file) {
    try {
      return JSON.readTree(folder.resolve(file).toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  JsonNode run(String name) {
    return named(expected(), name);
  }

  /** A run in which all weights are trained. */
  JsonNode fullRun(String name) {
    return named(read("full.json"), name);
  }

  private static JsonNode named(JsonNode expected, String name) {
    for (JsonNode run : expected.path("runs")) {
      if (run.path("run").asText().equals(name)) {
        return run;
      }
    }
    throw new IllegalArgumentException(name);
  }

  static List<JsonNode> lines(Path file) {
    try {
      List<JsonNode> lines = new ArrayList<>();
      for (String line : Files.readAllLines(file)) {
        lines.add(JSON.readTree(line));
      }
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
