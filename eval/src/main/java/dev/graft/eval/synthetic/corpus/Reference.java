package dev.graft.eval.synthetic.corpus;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.Grammar;
import dev.graft.eval.synthetic.clinic.Condition;
import dev.graft.eval.synthetic.clinic.Lexicon;
import dev.graft.eval.synthetic.clinic.Symptom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Paragraphs of a handbook, and questions about terms: symptoms, drugs, laboratory tests, abbreviations. Stateless. */
final class Reference {
  private static final Lexicon LEXICON = Lexicon.get();
  private static final List<String[]> DRUGS = table("drugs.txt");
  private static final List<String[]> TESTS = table("tests.txt");
  private static final List<String[]> SHORT_FORMS = table("shortforms.txt");
  private static final List<String> READING = Grammar.lines(Reference.class, "reading.txt");

  private Reference() {}

  /** Three to seven facts of one kind, or mixed. */
  static String paragraph(Dice dice) {
    int kind = dice.weighted(5, 3, 2, 2, 2, 4);
    List<String> facts = new ArrayList<>();
    for (int i = dice.between(3, 7); i > 0; i--) {
      String fact = fact(kind == 5 ? dice.below(5) : kind, dice);
      if (!facts.contains(fact)) {
        facts.add(fact);
      }
    }
    return String.join(" ", facts);
  }

  /** A question about a term, and its answer. */
  static List<String> question(Dice dice) {
    return switch (dice.weighted(6, 3, 2, 3, 2)) {
      case 0 -> {
        Symptom s = dice.pick(LEXICON.symptoms());
        yield List.of(dice.of("What does ", "What is meant by ") + dice.pick(s.phrases()) + dice.of("?", " in a note?"), capitalised(s.meaning()) + ".");
      }
      case 1 -> {
        String[] d = dice.pick(DRUGS);
        yield List.of(dice.of("What is " + d[0] + " for?", "Why is " + d[0] + " given?", "What does " + d[0] + " treat?"), capitalised(d[2]) + ".");
      }
      case 2 -> {
        String[] t = dice.pick(TESTS);
        yield dice.chance(0.5)
            ? List.of(dice.of("In what unit is ", "Which unit has ") + t[0] + "?", t[2])
            : List.of(dice.of("What does " + t[0] + " measure?", "What is " + t[0] + "?"), capitalised(t[1]) + ".");
      }
      case 3 -> {
        String[] a = dice.pick(SHORT_FORMS);
        yield dice.chance(0.7) || a[0].equals("UTI") // which is a task's answer
            ? List.of(dice.of("What does " + a[0] + " stand for?", "What does " + a[0] + " mean?", "Spell out " + a[0] + "."), capitalised(a[1]) + ".")
            : List.of("Abbreviate " + a[1] + ".", a[0]);
      }
      default -> {
        Symptom s = dice.pick(LEXICON.symptoms());
        yield List.of(dice.of("To which group of symptoms does ", "To what organ group does ") + dice.pick(s.phrases()) + " belong?", capitalised(s.system()) + ".");
      }
    };
  }

  /** The name of a drug. */
  static String drug(Dice dice) {
    return dice.pick(DRUGS)[0];
  }

  static String capitalised(String text) {
    return text.isEmpty() ? text : Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }

  private static String fact(int kind, Dice dice) {
    return switch (kind) {
      case 0 -> symptom(dice.pick(LEXICON.symptoms()), dice);
      case 1 -> drug(dice.pick(DRUGS), dice);
      case 2 -> {
        String[] t = dice.pick(TESTS);
        yield dice.of(capitalised(t[0]) + " is " + t[1] + ", given in " + t[2] + "; " + t[3] + ".",
            "The test of " + t[0] + ": " + t[1] + ". Unit: " + t[2] + ". Usual values: " + t[3] + ".",
            "In a report, " + t[0] + " stands for " + t[1] + " (" + t[2] + "). As a rule, " + t[3] + ".");
      }
      case 3 -> dice.chance(0.5) ? condition(dice.pick(LEXICON.conditions()), dice) : shortForm(dice.pick(SHORT_FORMS), dice);
      default -> dice.pick(READING);
    };
  }

  private static String symptom(Symptom s, Dice dice) {
    String name = dice.chance(0.6) ? s.name() : dice.pick(s.phrases());
    List<String> facts = new ArrayList<>();
    facts.add(dice.of(capitalised(name) + " means " + s.meaning() + ".", capitalised(name) + ": " + s.meaning() + ".", "By " + name + " one means " + s.meaning() + "."));
    if (s.phrases().size() > 2 && dice.chance(0.6)) {
      List<String> others = dice.some(s.phrases().stream().filter(p -> !p.equals(name)).toList(), 2);
      facts.add(dice.of("Notes also call it ", "Other words for it are ", "It is also written ") + String.join(" or ", others) + ".");
    }
    if (dice.chance(0.6)) {
      facts.add(dice.of("It belongs to the group ", "Organ group: ", "It is counted among the symptoms of the group ") + s.system() + ".");
    }
    if (dice.chance(0.5)) {
      facts.add(dice.of("A patient may say: \"", "In a patient's words: \"") + capitalised(dice.pick(s.lay())) + ".\"");
    }
    return String.join(" ", facts);
  }

  private static String drug(String[] d, Dice dice) {
    return dice.of(capitalised(d[0]) + " is " + d[1] + " for " + d[2] + ".", capitalised(d[0]) + " (" + d[1] + ") is given for " + d[2] + ".",
        "For " + d[2] + " one may give " + d[0] + ", " + d[1] + ".", capitalised(d[1]) + ", " + d[0] + " treats " + d[2] + ".");
  }

  private static String condition(Condition c, Dice dice) {
    String medicine = dice.pick(c.medicines());
    return dice.of(capitalised(c.name()) + dice.of(" is often written ", ", in charts ") + c.abbreviation() + ".", "A patient with " + c.name() + " may be on: " + medicine + ".",
        "In " + c.name() + " (" + c.abbreviation() + ") the list of medicines may name " + medicine + ".");
  }

  private static String shortForm(String[] a, Dice dice) {
    return dice.of(a[0] + " stands for " + a[1] + ".", "The short form " + a[0] + " means " + a[1] + ".", "In charts, " + a[1] + " is shortened to " + a[0] + ".");
  }

  private static List<String[]> table(String name) {
    return Grammar.lines(Reference.class, name).stream().map(line -> Arrays.stream(line.split("\\|")).map(String::strip).toArray(String[]::new)).toList();
  }
}
