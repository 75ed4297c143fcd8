package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.template.ToolCallFormat;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** A server in front of a {@link FakeEngine}, and a client of it. */
final class FakeServer extends ApiClient implements AutoCloseable {
  static final Vocabulary VOCABULARY = Vocabulary.read(demoBase());
  static final ToolSupport TOOLS = new ToolSupport(ToolCallFormat.of(ChatTemplate.fromFile(toolTemplate(), "", "")), VOCABULARY);

  final FakeEngine engine;
  final Prompts prompts = new Prompts();
  final ServeServer server;

  private FakeServer(ServeServer server, FakeEngine engine) {
    super(server.port());
    this.server = server;
    this.engine = engine;
  }

  static FakeServer start() throws IOException {
    return start(ServeSettings.local());
  }

  static FakeServer start(ServeSettings settings) throws IOException {
    FakeServer server = loading(settings);
    server.ready();
    return server;
  }

  /** One that has no model yet. */
  static FakeServer loading(ServeSettings settings) throws IOException {
    return new FakeServer(ServeServer.listen(settings), new FakeEngine(settings.queue(), "sft", "dpo"));
  }

  void ready() {
    server.ready(new Served("base", engine, prompts, VOCABULARY, new VocabularyForms(VOCABULARY), 1_700_000_000));
  }

  static Path demoBase() {
    return resource("/dev/graft/eval/demo/demo-base.gguf");
  }

  /** A template that takes tools and writes calls as Hermes and Qwen do. */
  static Path toolTemplate() {
    return resource("/serve/tools.jinja");
  }

  private static Path resource(String name) {
    try {
      return Path.of(FakeServer.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A letter is a token. */
  static final class Prompts implements PromptSource {
    /** What was asked last. */
    volatile JsonNode messages;
    volatile Map<String, Object> extra;

    @Override
    public int[] chat(JsonNode messages, Map<String, Object> extra) {
      this.messages = messages;
      this.extra = extra;
      StringBuilder text = new StringBuilder(String.valueOf(extra.getOrDefault("tools", "")));
      messages.forEach(message -> text.append(message.path("content").asText()));
      return text(text.toString());
    }

    @Override
    public int[] text(String text) {
      return text.chars().map(c -> c % 128).toArray();
    }

    @Override
    public Optional<ToolSupport> toolCalls() {
      return Optional.of(TOOLS);
    }
  }

  /** A body in which single quotes stand for double ones. */
  Reply chat(String fields) {
    return post("/v1/chat/completions", ("{'model':'base','messages':[{'role':'user','content':'hi'}]" + (fields.isEmpty() ? "" : "," + fields) + "}").replace('\'', '"'));
  }

  Reply complete(String fields) {
    return post("/v1/completions", ("{'model':'base'," + fields + "}").replace('\'', '"'));
  }

  @Override
  public void close() {
    server.close();
    engine.close();
  }
}
