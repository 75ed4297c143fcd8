package dev.graft.trainer.bpe;

import dev.graft.bindings.UsageException;
import dev.graft.bindings.VocabularyFile;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.Texts;
import dev.graft.trainer.jinja.TemplateException;
import dev.graft.trainer.template.ChatTemplate;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Learns a byte-level BPE vocabulary from text, for llama.cpp's {@code gpt2} tokenizer with the {@code llama-bpe} pre-tokenizer.
 * Ids: special tokens (BOS, EOS, PAD, those of the template, the user's own), the 256 bytes, then merges as they were learnt. Same
 * files and options give the same vocabulary, on any machine.
 *
 * <p>Two rules of {@code llama-bpe} in llama.cpp matter: it adds a BOS, and it takes a whole word that is a token without asking the
 * merges ("ignore_merges"). The second changes nothing here, since merges turn a token's own text into that token: nothing outside of
 * it took part when it was learnt.
 *
 * <p>No text becomes a special token by merging: their texts are cut out of the data first, as the encoder does, and a merge that would
 * spell one is passed over. The words that the template writes around messages count as often as the text has bytes, so that the names
 * of roles are whole tokens and a message costs as few tokens as can be.
 */
public final class TokenizerTrainer {
  private static final int BYTES = 256;
  private static final int MOST_TOKENS = 1 << 20;

  private final TokenizerOptions options;
  private final ChatTemplate template;
  private final TemplateTokens tokens;
  private final List<String> special;

  private TokenizerTrainer(TokenizerOptions options) {
    this.options = options;
    try {
      template = options.template().equals("none") ? null : ChatTemplate.named(options.template(), TemplateTokens.BOS, TemplateTokens.EOS);
      tokens = template == null ? TemplateTokens.none() : TemplateTokens.of(template);
    } catch (TemplateException e) {
      throw new UsageException("--template " + options.template() + " cannot write a conversation (" + e.getMessage() + "); give another");
    }
    special = special();
  }

  /**
   * Reads the data and learns.
   *
   * @throws DataException naming file and line, when data cannot be read as text
   * @throws UsageException when a special token or the size will not do, or the text is too little for the size
   */
  public static TrainedTokenizer train(TokenizerOptions options) {
    return new TokenizerTrainer(options).train();
  }

  private TrainedTokenizer train() {
    int least = special.size() + BYTES;
    if (options.vocabularySize() < least || options.vocabularySize() > MOST_TOKENS) {
      throw new UsageException("--vocab-size " + options.vocabularySize() + " must be from " + least + " (" + special.size() + " special tokens and " + BYTES + " bytes) to "
          + MOST_TOKENS);
    } else if (options.minFrequency() < 1) {
      throw new UsageException("--min-frequency " + options.minFrequency() + " must be at least 1");
    } else if (options.name().toLowerCase(Locale.ROOT).matches("(?s).*phi-?3.*")) {
      throw new UsageException("--name " + options.name() + ": llama.cpp takes a file named phi3 or phi-3 for Phi's own vocabulary and does not load this one; give another --name");
    }
    WordCounts counts = new WordCounts(special);
    for (Path file : options.data()) {
      Texts.forEach(file, counts::add);
    }
    List<WordCounts.Word> words = counts.words();
    if (words.isEmpty()) {
      throw new DataException(options.data().get(0), 0, "holds no text to learn from; give --data with text");
    }
    MergeLearner learner = learner(words, counts.bytes());
    int wanted = options.vocabularySize() - least;
    int learnt = learner.learn(wanted);
    if (learnt < wanted) {
      throw new UsageException("--vocab-size " + options.vocabularySize() + ": this text makes " + (least + learnt) + " tokens, since no more pairs stand at least "
          + options.minFrequency() + " times in it; give --vocab-size " + (least + learnt) + ", more text, or a lower --min-frequency");
    }
    long[] lengths = learner.lengths();
    long textTokens = counts.specials();
    for (int i = 0; i < words.size(); i++) {
      textTokens += words.get(i).count() * lengths[i];
    }
    return new TrainedTokenizer(file(learner), special.size(), learnt, words.size(), counts.bytes(), textTokens);
  }

  private MergeLearner learner(List<WordCounts.Word> words, long bytes) {
    WordCounts written = new WordCounts(special);
    tokens.texts().forEach(written::add);
    Set<String> ofTemplate = new HashSet<>();
    written.words().forEach(word -> ofTemplate.add(ByteAlphabet.text(word.bytes())));
    long much = Math.max(bytes, options.minFrequency());
    List<byte[]> texts = new ArrayList<>();
    List<Long> weights = new ArrayList<>();
    for (WordCounts.Word word : words) {
      texts.add(word.bytes());
      weights.add(word.count() + (ofTemplate.remove(ByteAlphabet.text(word.bytes())) ? much : 0));
    }
    for (WordCounts.Word word : written.words()) {
      if (ofTemplate.contains(ByteAlphabet.text(word.bytes()))) { // not in the text
        texts.add(word.bytes());
        weights.add(much);
      }
    }
    return new MergeLearner(texts, weights.stream().mapToLong(Long::longValue).toArray(), options.minFrequency(), Set.copyOf(special));
  }

  private List<String> special() {
    Set<String> all = new LinkedHashSet<>(List.of(tokens.bos(), tokens.eos(), TemplateTokens.PAD));
    all.addAll(tokens.others());
    for (String text : options.special()) {
      if (text.isEmpty()) {
        throw new UsageException("--special is empty; give the token's text, such as '<|tool|>'");
      } else if (text.chars().anyMatch(Character::isISOControl)) {
        throw new UsageException("--special " + text + " holds a control character; give a text of one line");
      } else if (text.getBytes(StandardCharsets.UTF_8).length == 1 || text.length() == 1 && isAlphabet(text.charAt(0))) {
        throw new UsageException("--special " + text + " is the text of a byte's token; give a longer one");
      } else if (!all.add(text)) {
        throw new UsageException("--special " + text + " is there already, " + (options.special().indexOf(text) == options.special().lastIndexOf(text)
            ? "as a token of the template or as BOS, EOS or PAD" : "twice") + "; leave it out");
      }
    }
    return List.copyOf(all);
  }

  private static boolean isAlphabet(char c) {
    for (int b = 0; b < BYTES; b++) {
      if (ByteAlphabet.of(b) == c) {
        return true;
      }
    }
    return false;
  }

  private VocabularyFile file(MergeLearner learner) {
    List<String> texts = new ArrayList<>(special);
    learner.texts().forEach(text -> texts.add(ByteAlphabet.text(text)));
    List<Integer> types = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      types.add(i < special.size() ? VocabularyFile.CONTROL : VocabularyFile.NORMAL);
    }
    List<String> merges = new ArrayList<>();
    for (int[] pair : learner.merges()) {
      merges.add(texts.get(special.size() + pair[0]) + " " + texts.get(special.size() + pair[1]));
    }
    int eos = special.indexOf(tokens.eos());
    return new VocabularyFile(options.name(), PreTokenizer.NAME, texts, types, merges, special.indexOf(tokens.bos()), eos, tokens.endsTurn() ? eos : VocabularyFile.NONE,
        special.indexOf(TemplateTokens.PAD), true, template == null ? null : template.source());
  }
}
