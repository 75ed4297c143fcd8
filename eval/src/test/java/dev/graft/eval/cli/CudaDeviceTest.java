package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --device cuda} on the emulated GPU that the kernels' tests are built with: training, what fits, and what is said when it does not. */
class CudaDeviceTest {
  private static final Path EMULATED = Path.of("..", "ggml-kernels", "target", "cmake", "test", "emulator", "libgraft_cuda_emulated.so");
  private static final Golden GOLDEN = Golden.of("llama_q4_k_m");

  @TempDir Path folder;

  private Cli.Result run(List<String> environment, Object... arguments) throws IOException, InterruptedException {
    assumeTrue(Files.exists(EMULATED), "the kernels were built without their tests");
    List<String> launcher = new ArrayList<>(List.of("env", "GRAFT_CUDA_LIBRARY=" + EMULATED.toAbsolutePath().normalize()));
    launcher.addAll(environment);
    return Cli.start(folder.resolve("io"), launcher, arguments).await();
  }

  private Object[] sft(String output) {
    return GoldenSftTest.flags(GOLDEN, GOLDEN.run("sft_constant"), folder.resolve(output), "--device", "cuda", "--recompute", "offload");
  }

  @Test
  void trainsAsTheOracleDoes() throws Exception {
    Object[] flags = sft("run");
    for (int i = 0; i < flags.length; i++) {
      if (flags[i].equals("--max-steps")) {
        flags[i + 1] = 2;
      }
    }
    Cli.Result result = run(List.of("GRAFT_CUDA_F32=1"), flags);
    assertThat(result.code()).as(result.err()).isZero();
    List<JsonNode> steps = Golden.lines(folder.resolve("run/metrics.jsonl"));
    assertThat(steps).hasSize(2);
    for (int i = 0; i < 2; i++) {
      JsonNode wanted = GOLDEN.run("sft_constant").path("steps_log").get(i);
      assertThat(steps.get(i).path("loss").asDouble(Double.NaN)).isCloseTo(wanted.path("loss").asDouble(), within(2e-4 * wanted.path("loss").asDouble()));
      assertThat(steps.get(i).path("grad_norm").asDouble(Double.NaN)).isCloseTo(wanted.path("grad_norm").asDouble(), within(1e-3 * wanted.path("grad_norm").asDouble()));
    }
    JsonNode config = new ObjectMapper().readTree(folder.resolve("run/config.json").toFile());
    assertThat(config.path("runtime").path("device").asText()).isEqualTo("cuda");
  }

  @Test
  void plansWithTheGpusMemory() throws Exception {
    Object[] plan = {"plan", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--device", "cuda", "--flops-per-second", "1e9", "--json"};
    JsonNode small = new ObjectMapper().readTree(run(List.of("GRAFT_EMULATOR_MEMORY=314572800"), plan).out());
    JsonNode large = new ObjectMapper().readTree(run(List.of("GRAFT_EMULATOR_MEMORY=3145728000"), plan).out());
    assertThat(small.path("device").asText()).isEqualTo("cuda");
    assertThat(small.findValue("available_bytes").asLong()).isLessThan(314572800L).isGreaterThan(200L << 20);
    assertThat(large.findValue("available_bytes").asLong()).isLessThan(3145728000L).isGreaterThan(2900L << 20);
    assertThat(small.findValue("session_bytes").asLong()).isGreaterThan(400L << 20);
    assertThat(small.findValue("fits").asBoolean(true)).isFalse();
    assertThat(large.findValue("fits").asBoolean(false)).isTrue();
  }

  @Test
  void whatDoesNotFitIsRefusedInOneLine() throws Exception {
    Cli.Result result = run(List.of("GRAFT_EMULATOR_MEMORY=314572800"), sft("small"));
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err().strip()).hasLineCount(1).contains("not enough GPU memory").contains("--micro-batch-tokens");
    assertThat(folder.resolve("small/adapter.gguf")).doesNotExist();
  }

  @Test
  void aGpuThatIsNotThereIsSaidInOneLine() throws Exception {
    Cli.Result result = run(List.of("GRAFT_EMULATOR_DEVICES=0"), sft("none"));
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.err().strip()).hasLineCount(1).contains("device cuda: ").contains("--device cpu");
    Cli.Result missing = run(List.of("GRAFT_CUDA_LIBRARY=/nowhere/libgraft_cuda.so"), sft("missing"));
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err().strip()).hasLineCount(1).contains("no CUDA plug-in");
  }
}
