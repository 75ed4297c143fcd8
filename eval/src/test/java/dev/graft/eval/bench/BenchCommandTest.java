package dev.graft.eval.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.GgufFile;
import dev.graft.eval.cli.CliException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class BenchCommandTest {
  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private Exception failure;

  private int run(String... args) {
    CommandLine bench = new CommandLine(new BenchCommand());
    bench.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    bench.setExecutionExceptionHandler((e, line, parsed) -> {
      failure = e;
      return 99;
    });
    return bench.execute(args);
  }

  @Test
  void makesAModelAndTrainsOnIt() throws Exception {
    Path model = folder.resolve("tiny.gguf");
    assertThat(run("make-model", "--output", model.toString(), "--type", "Q8_0", "--layers", "1", "--seed", "3", "--json")).isZero();
    JsonNode made = new ObjectMapper().readTree(out.toString());
    assertThat(made.path("file_bytes").asLong()).isEqualTo(Files.size(model));
    try (GgufFile file = GgufFile.open(model)) {
      assertThat(file.metadata("llama.block_count").orElseThrow().asInt()).isEqualTo(1);
      assertThat(made.path("parameters").asLong()).isEqualTo(file.describe(0).path("parameters").asLong());
    }
    out.getBuffer().setLength(0);

    assertThat(run("train", "--model", model.toString(), "--sequence", "16", "--batch", "2", "--steps", "2", "--rank", "4", "--threads", "1", "--json")).isZero();
    JsonNode result = new ObjectMapper().readTree(out.toString());
    assertThat(result.path("steps").size()).isEqualTo(2);
    assertThat(result.path("threads").asInt()).isEqualTo(1);
    assertThat(result.path("steps").get(1).path("loss").asDouble()).isLessThan(result.path("steps").get(0).path("loss").asDouble());
    assertThat(result.path("ratio_to_fma_peak").asDouble()).isBetween(0.0, 1.5);
    assertThat(result.path("tokens_per_second").asDouble()).isPositive();
    assertThat(result.path("peak_resident_bytes").asLong() - result.path("peak_resident_minus_file_bytes").asLong()).isEqualTo(Files.size(model));
    assertThat(err.toString()).contains("warm-up", "step 2");
    out.getBuffer().setLength(0);

    assertThat(run("train", "--model", model.toString(), "--sequence", "8", "--steps", "1", "--recompute", "block", "--quiet")).isZero();
    assertThat(out.toString()).contains("forward+backward", "of the FMA peak", "tokens/s", "recompute block", "MiB resident at most");
  }

  @Test
  void measuresReadingAndWriting() throws Exception {
    Path model = folder.resolve("tiny.gguf");
    assertThat(run("make-model", "--output", model.toString(), "--layers", "1", "--no-tied", "--json")).isZero();
    out.getBuffer().setLength(0);
    assertThat(run("decode", "--model", model.toString(), "--prompt", "8", "--tokens", "3", "--batches", "1,3", "--repeats", "1", "--threads", "1", "--json")).isZero();
    JsonNode result = new ObjectMapper().readTree(out.toString());
    assertThat(result.path("prompt_tokens_per_second").asDouble()).isPositive();
    assertThat(result.path("read_bytes_per_second").asDouble()).isPositive();
    assertThat(result.path("peer").isNull()).isTrue();
    assertThat(result.path("training_forward_tokens_per_second").asDouble()).isPositive();
    assertThat(result.path("decode").size()).isEqualTo(2);
    JsonNode three = result.path("decode").get(1);
    assertThat(three.path("batch").asInt()).isEqualTo(3);
    assertThat(three.path("tokens_per_second").asDouble()).isCloseTo(3 / three.path("step_seconds").asDouble(), withinPercentage(1));
    assertThat(three.path("ratio_to_read_bandwidth").asDouble()).isPositive();
    try (GgufFile file = GgufFile.open(model)) {
      long table = file.tensors().stream().filter(t -> t.name().equals("token_embd.weight")).mapToLong(t -> t.bytes()).sum();
      assertThat(result.path("step_bytes").asLong()).isEqualTo(file.tensors().stream().mapToLong(t -> t.bytes()).sum() - table);
    }
    out.getBuffer().setLength(0);
    assertThat(run("decode", "--model", model.toString(), "--prompt", "4", "--tokens", "2", "--batches", "2", "--repeats", "1", "--quiet")).isZero();
    assertThat(out.toString()).contains("training's forward", "decode, 2 at a time", "of the bandwidth", "of the FMA peak");
  }

  @Test
  void comparesServersInOneRun() throws Exception {
    Path model = folder.resolve("tiny.gguf");
    assertThat(run("make-model", "--output", model.toString(), "--layers", "1", "--json")).isZero();
    out.getBuffer().setLength(0);
    String[] line = {"serve", "--model", model.toString(), "--peer", "llama.cpp", "--clients", "3", "--peer-slots", "2", "--prompt", "8", "--answer", "4", "--adapters", "1",
        "--rank", "2", "--threads", "1"};
    assertThat(run(Stream.concat(Stream.of(line), Stream.of("--rounds", "2", "--json")).toArray(String[]::new))).as(err.toString()).isZero();
    JsonNode result = new ObjectMapper().readTree(out.toString());
    JsonNode ours = result.path("native, one adapter");
    JsonNode theirs = result.path("llama.cpp, one adapter");
    for (JsonNode side : List.of(ours, theirs)) {
      assertThat(side.path("requests").asInt()).isEqualTo(6);
      assertThat(side.path("prompt_tokens").asInt()).isEqualTo(48);
      assertThat(side.path("answer_tokens").asInt()).isEqualTo(24);
    }
    assertThat(result.path("ratio_to_peer").asDouble()).isCloseTo(ours.path("tokens_per_second").asDouble() / theirs.path("tokens_per_second").asDouble(), withinPercentage(1));
    assertThat(result.path("threads").asInt()).isEqualTo(1);
    assertThat(result.path("peer_settings").asText()).contains("2 slots", "flash attention");
    assertThat(result.path("peer_unfinished").isNull()).isTrue();
    out.getBuffer().setLength(0);

    assertThat(run(Stream.concat(Stream.of(line), Stream.of("--rounds", "100000", "--limit", "1")).toArray(String[]::new))).isEqualTo(99);
    assertThat(failure).as("our own side has the limit too").isInstanceOf(ServeBench.UnfinishedException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "serve --peer ollama", "serve --peer llama.cpp --engine llama.cpp", "serve --peer llama.cpp --adapters 0", "serve --clients 0", "serve --limit 0", "serve --repeats 0",
    "serve --peer-slots 0",
    "decode --prompt 0", "decode --tokens 0", "decode --batches 1,0", "decode --repeats 0", "decode --peer ollama", "decode --model x.gguf --type Q8_0",
    "train --shape 99b", "train --sequence 1", "train --batch 0", "train --steps 0", "train --model x.gguf --shape 1b",
    "train --sequence 1000000 --batch 1000000", "make-model --output x.gguf --shape 99b"
  })
  void refusesWhatMakesNoSense(String line) {
    assertThat(run(line.split(" "))).isEqualTo(99);
    assertThat(failure).isInstanceOfSatisfying(CliException.class, e -> assertThat(e.exitCode()).isEqualTo(2));
  }

  @Test
  void recomputesInWaysThatThereAre() {
    assertThat(run("train", "--recompute", "some")).isEqualTo(2);
  }

  @Test
  void namedShapesAreComplete() {
    for (String name : ModelShape.names().split(", ")) {
      assertThat(ModelShape.named(name).layers()).isPositive();
    }
    assertThat(new CommandLine(new MakeModelCommand()).getCommandSpec().findOption("--shape").description()[0]).startsWith(ModelShape.names() + ";");
    assertThat(ModelShape.named("1B")).isEqualTo(ModelShape.named("llama-1b"));
  }
}
