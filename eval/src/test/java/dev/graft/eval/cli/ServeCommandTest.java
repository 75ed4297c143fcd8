package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class ServeCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Golden GOLDEN = Golden.of("llama_q8_0");

  @TempDir Path folder;

  @Test
  void wrongFlagsAreSaid() {
    for (List<String> wrong : List.of(List.of("--port", "70000"), List.of("--parallel", "0"), List.of("--engine", "vllm"), List.of("--adapter", "a.gguf"),
        List.of("--adapter", "a=x", "--adapter", "a=y"), List.of("--adapter", "model=x"), List.of("--adapter", "a b=x"), List.of("--host", "0.0.0.0"),
        List.of("--model-name", "a b"), List.of("--api-key", "k", "--admin-key", "k"), List.of("--engine", "llama.cpp", "--adapter", "a=x", "--adapter", "b=y"))) {
      Object[] args = java.util.stream.Stream.concat(java.util.stream.Stream.of("serve", "--model", GOLDEN.model().toString()), wrong.stream()).toArray();
      Cli.run(args).fails(ExitCode.USAGE);
    }
    Cli.run("serve", "--model", folder.resolve("none.gguf"), "--port", 0, "--quiet", "--access-log", "none").fails(ExitCode.BAD_DATA);
  }

  @Test
  void aTakenPortIsOneLine() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, java.net.InetAddress.getByName("127.0.0.1"))) {
      assertThat(Cli.run("serve", "--model", GOLDEN.model(), "--port", taken.getLocalPort(), "--quiet", "--access-log", "none").fails(ExitCode.FAILED).err()).contains("choose another --port");
    }
  }

  @Test
  void llamaServesRestartsAndStops() throws Exception {
    Path log = folder.resolve("access.jsonl");
    Cli.Child child = Cli.start(folder, "serve", "--model", GOLDEN.model(), "--adapter", "tuned=" + GOLDEN.adapter(), "--engine", "llama.cpp", "--port", 0, "--threads", 1, "--parallel", 2,
        "--context", 64, "--access-log", log, "--json", "--template", "chatml");
    try {
      child.awaitLines(child.out(), 4);
      JsonNode ready = JSON.readTree(child.out().toFile());
      assertThat(ready.path("models")).extracting(JsonNode::asText).containsExactly("model", "tuned");
      URI root = URI.create(ready.path("url").asText());
      String body = "{\"model\":\"tuned\",\"prompt\":[1,5,9],\"max_tokens\":8,\"temperature\":0,\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
      HttpResponse<String> first = post(root, body);
      assertThat(first.statusCode()).as(first.body()).isEqualTo(200);
      assertThat(first.body()).endsWith("data: [DONE]\n\n").contains("\"prompt_tokens\":3");
      HttpResponse<String> base = post(root, body.replace("tuned", "model"));
      assertThat(base.statusCode()).isEqualTo(400);
      assertThat(base.body()).contains("tuned");

      child.process().descendants().filter(process -> process.info().commandLine().orElse("").contains("LlamaWorker")).reduce((a, b) -> b).orElseThrow().destroyForcibly();
      HttpResponse<String> next = post(root, body);
      while (next.statusCode() == 500) { // it was given to the process that is dying
        next = post(root, body);
      }
      assertThat(next.statusCode()).as(next.body()).isEqualTo(200);
      assertThat(text(next.body())).isEqualTo(text(first.body()));
    } finally {
      child.process().destroy();
    }
    assertThat(child.await().code()).isEqualTo(ExitCode.TERMINATED);
    assertThat(Files.readAllLines(log)).hasSizeGreaterThanOrEqualTo(3).first().satisfies(line -> assertThat(JSON.readTree(line).path("completion_tokens").asInt()).isPositive());
  }

  private static String text(String events) throws IOException {
    StringBuilder text = new StringBuilder();
    for (String line : events.lines().filter(line -> line.startsWith("data: {")).toList()) {
      text.append(JSON.readTree(line.substring(6)).at("/choices/0/text").asText());
    }
    return text.toString();
  }

  private static HttpResponse<String> post(URI root, String body) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(root.resolve("/v1/completions")).POST(HttpRequest.BodyPublishers.ofString(body)).build();
    return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
  }
}
