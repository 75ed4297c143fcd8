package dev.graft.eval.grade.likert;

import dev.graft.trainer.generate.LlamaGenerator;
import dev.graft.trainer.llama.LlamaOptions;
import dev.graft.trainer.llama.LlamaProcess;
import dev.graft.trainer.llama.LlamaRequest;
import dev.graft.trainer.run.FileHash;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.run.StopRequest;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** A local model of any architecture that llama.cpp knows, in a child process, whose grammar lets it write one digit from 1 to 5. Greedy. One thread. */
public final class LlamaJudge implements LikertJudge {
  private static final String GRAMMAR = "root ::= [1-5]";
  private static final int REPLY_TOKENS = 4;

  private final LocalOptions options;
  private final RowSource source;
  private final String identity;
  private final int contextLength;

  /** Starts nothing but the tokenizer. */
  public LlamaJudge(LocalOptions options) {
    this.options = options;
    FileHash hash = FileHash.start(options.model());
    this.contextLength = LlamaGenerator.contextLength(options.model());
    this.source = RowSource.open(options.model(), Vocabulary.read(options.model()).size(), options.template());
    this.identity = "llama.cpp sha256=" + hash.get() + " template=" + source.template().map(t -> t.name() + " " + GradeCache.key("template", t.source())).orElse("none");
  }

  @Override
  public String identity() {
    return identity;
  }

  @Override
  public void grade(List<Question> questions, Sink sink, StopRequest stop) {
    List<Integer> places = new ArrayList<>();
    List<int[]> prompts = new ArrayList<>();
    int longest = 0;
    for (int i = 0; i < questions.size(); i++) {
      int[] prompt = source.prompt(questions.get(i).text());
      if (prompt.length + REPLY_TOKENS > contextLength) {
        sink.ungraded(i, "the question has " + prompt.length + " tokens, more than the judge's context of " + contextLength);
      } else {
        places.add(i);
        prompts.add(prompt);
        longest = Math.max(longest, prompt.length);
      }
    }
    if (places.isEmpty()) {
      return;
    }
    try (LlamaProcess process = LlamaProcess.start(LlamaOptions.of(options.model()).withThreads(options.threads()).withContext(longest + REPLY_TOKENS + 8))) {
      for (int i = 0; i < places.size() && !stop.requested(); i++) {
        String reply = process.generate(LlamaRequest.greedy(prompts.get(i), REPLY_TOKENS).withGrammar(GRAMMAR)).text();
        OptionalInt grade = GradeReply.read(reply);
        if (grade.isPresent()) {
          sink.graded(places.get(i), new Likert(grade.getAsInt(), null, null, reply));
        } else {
          sink.ungraded(places.get(i), "the judge wrote '" + reply + "', no digit from 1 to 5");
        }
      }
    }
  }

  @Override
  public void close() {
    source.close();
  }
}
