package dev.graft.trainer.data;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * Finds preferences from which nothing can be learnt, or something that nobody meant, and counts them: answers that are the same, or
 * became so by truncation; that differ in white space only; a pair that stands the other way round too, so that the two cancel; answers
 * that share a mistake about BOS. Answers without an end are counted too, but no fault: text always gets one, and ids are used as they
 * are given. One thread, rows of one file in order.
 */
final class PairFaults {
  private final Vocabulary vocabulary;
  private final ReportBuilder report;
  private final Set<String> seen = new HashSet<>();

  PairFaults(Vocabulary vocabulary, ReportBuilder report) {
    this.vocabulary = vocabulary;
    this.report = report;
  }

  /** Whether the pair, cut from the whole prompt and answers given, has a fault; counted. */
  boolean found(PreferenceExample pair, int[] prompt, int[] chosen, int[] rejected) {
    int line = pair.line();
    boolean fault = true;
    if (Arrays.equals(chosen, rejected)) {
      report.identical.add(line);
    } else if (Arrays.equals(pair.chosen(), pair.rejected())) {
      report.equalled.add(line);
    } else if (reversed(pair) || sameWords(pair)) {
      report.zeroMargin.add(line);
    } else if (doubledBos(prompt) || begins(chosen) && begins(rejected)) {
      report.misplacedBos.add(line);
    } else {
      fault = false;
      unended(line, ends(chosen) || ends(rejected));
    }
    if (fault) {
      report.fault();
    }
    return fault;
  }

  /** Whether a row of one answer has a fault; counted. */
  boolean found(LabelledExample row, int[] prompt, int[] answer) {
    boolean fault = true;
    if (doubledBos(prompt) || begins(answer)) {
      report.misplacedBos.add(row.line());
    } else {
      fault = false;
      unended(row.line(), ends(answer));
    }
    if (fault) {
      report.fault();
    }
    return fault;
  }

  private void unended(int line, boolean ends) {
    if (!ends) {
      report.unended.add(line);
    }
  }

  private boolean reversed(PreferenceExample pair) {
    String prompt = key(pair.prompt());
    String chosen = key(pair.chosen());
    String rejected = key(pair.rejected());
    seen.add(prompt + '\uffff' + chosen + '\uffff' + rejected);
    return seen.contains(prompt + '\uffff' + rejected + '\uffff' + chosen);
  }

  private static String key(int[] ids) {
    StringBuilder key = new StringBuilder(2 * ids.length);
    for (int id : ids) {
      key.append((char) (id >>> 15)).append((char) (id & 0x7fff));
    }
    return key.toString();
  }

  /** Both answers say the same but for white space. */
  private boolean sameWords(PreferenceExample pair) {
    return words(pair.chosen()).equals(words(pair.rejected()));
  }

  /** The bytes of the answer that are no white space, as characters; special tokens, and ids without a name, by their number. */
  private String words(int[] ids) {
    StringBuilder words = new StringBuilder();
    for (int id : ids) {
      byte[] piece = id < vocabulary.size() && !vocabulary.isSpecial(id) ? vocabulary.piece(id) : null;
      if (piece == null || piece.length == 0) {
        words.append('\ue000').append(id).append('\ue000');
      } else {
        for (byte b : piece) {
          if (b != ' ' && (b < '\t' || b > '\r')) {
            words.append((char) (b & 0xff));
          }
        }
      }
    }
    return words.toString();
  }

  /** Whether an answer ends as generation would: with a token that ends it, which white space may follow. */
  private boolean ends(int[] answer) {
    if (vocabulary.endOfGeneration().isEmpty()) {
      return true;
    }
    for (int i = answer.length - 1; i >= 0; i--) {
      if (vocabulary.endOfGeneration().contains(answer[i])) {
        return true;
      } else if (answer[i] >= vocabulary.size() || vocabulary.isSpecial(answer[i]) || !blank(vocabulary.piece(answer[i]))) {
        return false;
      }
    }
    return false;
  }

  private static boolean blank(byte[] piece) {
    for (byte b : piece) {
      if (b != ' ' && (b < '\t' || b > '\r')) {
        return false;
      }
    }
    return true;
  }

  private boolean doubledBos(int[] prompt) {
    return prompt.length > 1 && isBos(prompt[0]) && isBos(prompt[1]);
  }

  private boolean begins(int[] answer) {
    return answer.length > 0 && isBos(answer[0]);
  }

  private boolean isBos(int id) {
    return vocabulary.bosId() != Vocabulary.NONE && id == vocabulary.bosId() && !vocabulary.endOfGeneration().contains(id);
  }
}
