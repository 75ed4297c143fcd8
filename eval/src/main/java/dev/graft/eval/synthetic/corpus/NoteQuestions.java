package dev.graft.eval.synthetic.corpus;

import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.Grammar;
import dev.graft.eval.synthetic.clinic.Finding;
import dev.graft.eval.synthetic.clinic.Frame;
import dev.graft.eval.synthetic.clinic.Lexicon;
import dev.graft.eval.synthetic.clinic.Note;
import dev.graft.eval.synthetic.clinic.Sex;
import dev.graft.eval.synthetic.clinic.Symptom;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Asks questions about a note and answers them from its case, never from its text. One note; one thread. */
final class NoteQuestions {
  /** Of what questions like "what is the pulse?" may ask. */
  private static final Set<String> NOT_ASKED = Set.of("age");

  private static final Map<String, List<String>> ORGANS = organs();
  private static final List<String> REASONS = List.of("came to the clinic", "was sent by a colleague", "has an abnormal test", "has bacteria in the urine", "has a raised white count",
      "called the office", "is new to the practice", "has sugar in the blood", "has a shadow on the film", "is here for a check");

  private final Note note;
  private final Dice dice;
  private final Set<String> asked = new HashSet<>();

  NoteQuestions(Note note, Dice dice) {
    this.note = note;
    this.dice = dice;
  }

  /** A question that was not asked yet, and its answer. */
  List<String> ask() {
    for (int attempt = 0; ; attempt++) {
      List<String> pair = switch (dice.weighted(9, 6, 4, 3, 3, 2, 4, 2, 1)) {
        case 0 -> has();
        case 1 -> status();
        case 2 -> list();
        case 3 -> system();
        case 4 -> fact();
        case 5 -> belongs();
        case 6 -> yesNo();
        case 7 -> duration();
        default -> patient();
      };
      if (pair != null && (asked.add(pair.get(0)) || attempt > 50)) {
        return pair;
      }
    }
  }

  /** What of the note is present, denied and past, as a text. */
  String sorted() {
    List<String> lines = new ArrayList<>();
    lines.add(dice.of("Present now: ", "Symptoms present: ", "Current symptoms: ") + names(Frame.PRESENT) + ".");
    lines.add(dice.of("Denied: ", "Symptoms denied: ", "Absent: ") + names(Frame.DENIED) + ".");
    lines.add(dice.of("Past: ", "In the past only: ", "Resolved: ") + names(Frame.PAST) + ".");
    if (!note.source().in(Frame.OTHER_PERSON).isEmpty()) {
      lines.add("In another person: " + names(Frame.OTHER_PERSON) + ".");
    }
    return String.join(dice.of("\n", " "), lines);
  }

  /** Every finding in the order in which the note speaks of it, with its organ group and whether it is present. */
  List<String> table() {
    String question = dice.of("List all findings in order, each with its group and status.", "Go through the note: what finding, which group, what status?",
        "Make a table of the findings: name, group, status.");
    List<String> lines = new ArrayList<>();
    for (Symptom symptom : ordered(note.source().findings().stream().map(Finding::symptom).toList())) {
      lines.add(note.phrase(symptom) + ": " + symptom.system() + ", " + status(frame(symptom)));
    }
    return List.of(question, lines.isEmpty() ? "None." : String.join("\n", lines));
  }

  /** Questions on so many organ groups, those that the note speaks of first among equals, each with its answer. */
  List<List<String>> groups(int count) {
    List<String> here = new ArrayList<>(note.source().findings().stream().map(f -> f.symptom().system()).distinct().toList());
    List<String> all = new ArrayList<>(Lexicon.get().symptoms().stream().map(Symptom::system).distinct().toList());
    List<String> chosen = new ArrayList<>();
    while (chosen.size() < count) {
      String group = dice.chance(0.15) ? "urinary" : !here.isEmpty() && dice.chance(0.8) ? dice.pick(here) : dice.pick(all);
      here.remove(group);
      if (!chosen.contains(group)) {
        chosen.add(group);
      }
    }
    boolean brief = dice.chance(0.4);
    String question = dice.of("Are there current symptoms of the group ", "Does the patient now have any symptom of the group ", "Is anything of this group present now: ");
    List<List<String>> pairs = new ArrayList<>();
    for (String group : chosen) {
      String names = String.join(", ", ordered(note.source().in(Frame.PRESENT)).stream().filter(s -> s.system().equals(group)).map(note::phrase).toList());
      String answer = names.isEmpty() ? brief ? "No" : "No, none." : brief ? "Yes" : "Yes: " + names + ".";
      pairs.add(List.of(question + group + "?" + (brief ? " Answer yes or no." : ""), answer));
    }
    return pairs;
  }

  /**
   * A few questions in other words on whether an organ group has symptoms now, answered yes or no: the first turn may begin with what the question is
   * about, before the note.
   */
  List<String> inOtherWords(int count) {
    List<String> groups = new ArrayList<>(note.source().findings().stream().map(f -> f.symptom().system()).filter(ORGANS::containsKey).distinct().toList());
    List<String> turns = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String group = dice.chance(0.2) ? "urinary" : !groups.isEmpty() && dice.chance(0.75) ? dice.pick(groups) : dice.pick(List.copyOf(ORGANS.keySet()));
      String organ = dice.pick(ORGANS.get(group));
      String plain = dice.of("Does the patient now have symptoms of " + organ + "?", "Has the patient any current symptom of " + organ + "?", "Are there symptoms of " + organ + " at present?",
          "Is " + organ + " giving symptoms now?", "Do any symptoms of today belong to " + organ + "?");
      String before = turns.isEmpty() ? dice.of("", "", "The patient below was seen today.", "The patient below " + dice.pick(REASONS) + ".", "Read about the patient below.") : "";
      String question = plain + dice.of(" Answer yes or no.", " Answer yes or no.", " Say yes or no.", " Yes or no?");
      if (turns.isEmpty()) {
        turns.add((before.isEmpty() ? "" : before + "\n\n") + note.text() + "\n\n" + question);
      } else {
        turns.add(question);
      }
      turns.add(note.source().in(Frame.PRESENT).stream().anyMatch(s -> s.system().equals(group)) ? "Yes" : "No");
    }
    return turns;
  }

  /** Of each organ group in turn, what the note says of it: present when any of its symptoms is, else past, denied, another person or not mentioned. */
  List<String> panel() {
    List<String> all = Lexicon.get().symptoms().stream().map(Symptom::system).distinct().toList();
    boolean every = dice.chance(0.12);
    List<String> here = note.source().findings().stream().map(f -> f.symptom().system()).distinct().toList();
    List<String> some = new ArrayList<>(here);
    some.addAll(dice.some(all.stream().filter(group -> !here.contains(group)).toList(), dice.between(2, 4)));
    List<String> groups = every ? all : dice.shuffled(some);
    boolean yesNo = dice.chance(0.35);
    String asked = every ? "every organ group" : "these groups: " + String.join(", ", groups);
    String question = yesNo ? "Say yes or no for the current symptoms of " + asked + "." : "Give the status of " + asked + ".";
    List<String> lines = new ArrayList<>();
    for (String group : groups) {
      Frame frame = group(group);
      lines.add(group + ": " + (yesNo ? frame == Frame.PRESENT ? "yes" : "no" : status(frame)));
    }
    return List.of(question, String.join("; ", lines));
  }

  /** The status of a group, or null when the note does not speak of it. */
  private Frame group(String group) {
    return List.of(Frame.PRESENT, Frame.PAST, Frame.DENIED, Frame.OTHER_PERSON).stream()
        .filter(frame -> note.source().in(frame).stream().anyMatch(s -> s.system().equals(group))).findFirst().orElse(null);
  }

  static String status(Frame frame) {
    return frame == null ? "not mentioned" : switch (frame) {
      case PRESENT -> "present";
      case DENIED -> "denied";
      case PAST -> "past";
      case OTHER_PERSON -> "another person";
    };
  }

  private List<String> has() {
    Symptom symptom = subject();
    String name = asked(symptom);
    String question = dice.of("Does the patient currently have ", "Does the patient now have ", "Is the patient troubled now by ", "At present, is there ", "Does the patient report current ") + name + "?";
    Frame frame = frame(symptom);
    String answer = frame == null ? "No, it is not mentioned." : switch (frame) {
      case PRESENT -> "Yes, it is present now.";
      case DENIED -> "No, it is denied.";
      case PAST -> "No, that was in the past.";
      case OTHER_PERSON -> "No, another person has it.";
    };
    return List.of(question, answer);
  }

  private List<String> yesNo() {
    Symptom symptom = subject();
    return List.of(dice.of("Does the patient have ", "Is there now ", "Is there any current ") + asked(symptom) + "? Answer yes or no.", frame(symptom) == Frame.PRESENT ? "Yes" : "No");
  }

  private List<String> status() {
    Symptom symptom = subject();
    String options = dice.of("present, denied, past, another person or not mentioned", "present, past, denied, not mentioned or another person");
    return List.of(dice.of("Status of ", "What does the note say of ", "Classify: ") + asked(symptom) + " (" + options + ")?", status(frame(symptom)));
  }

  private List<String> list() {
    Frame frame = List.of(Frame.values()).get(dice.weighted(5, 3, 3, 1));
    String question = switch (frame) {
      case PRESENT -> dice.of("Which symptoms are present now?", "List the current symptoms.", "What does the patient complain of now?");
      case DENIED -> dice.of("Which symptoms are denied?", "List what the patient denies.", "Which symptoms are said to be absent?");
      case PAST -> dice.of("Which symptoms were only in the past?", "List the past symptoms.", "Which symptoms have resolved?");
      case OTHER_PERSON -> dice.of("Which symptom belongs to another person?", "What does somebody else have?");
    };
    return List.of(question, Reference.capitalised(names(frame)) + ".");
  }

  private List<String> system() {
    List<String> systems = Lexicon.get().symptoms().stream().map(Symptom::system).distinct().toList();
    List<String> here = note.source().findings().stream().map(f -> f.symptom().system()).distinct().toList();
    String system = dice.chance(0.3) ? "urinary" : !here.isEmpty() && dice.chance(0.7) ? dice.pick(here) : dice.pick(systems);
    List<Symptom> present = ordered(note.source().in(Frame.PRESENT)).stream().filter(s -> s.system().equals(system)).toList();
    String question = dice.of("Which present symptoms are of the group ", "Name the current symptoms of the group ", "Are there current symptoms of the group ") + system + "?";
    String names = String.join(", ", present.stream().map(note::phrase).toList());
    boolean yesNo = question.startsWith("Are");
    return List.of(question, present.isEmpty() ? yesNo ? "No, none." : "None." : yesNo ? "Yes: " + names + "." : Reference.capitalised(names) + ".");
  }

  private List<String> belongs() {
    if (note.source().findings().isEmpty()) {
      return null;
    }
    Symptom symptom = dice.pick(note.source().findings()).symptom();
    return List.of(dice.of("To which group does ", "To what organ group does ") + note.phrase(symptom) + " belong?", Reference.capitalised(symptom.system()) + ".");
  }

  private List<String> fact() {
    List<Map.Entry<String, String>> facts =
        note.facts().entrySet().stream().filter(e -> !e.getKey().contains(" of ") && !NOT_ASKED.contains(e.getKey()) && !e.getValue().isEmpty()).toList();
    if (facts.isEmpty()) {
      return null;
    }
    Map.Entry<String, String> fact = dice.pick(facts);
    if (fact.getKey().equals("conditions") || fact.getKey().equals("medicines")) {
      String question = fact.getKey().equals("conditions") ? dice.of("Which long-standing illnesses are known?", "List the known problems.") : dice.of("Which medicines does the patient take?", "List the medicines.");
      return List.of(question, Reference.capitalised(fact.getValue()) + ".");
    }
    return List.of(dice.of("What is the ", "Give the ", "What does the note give as ") + fact.getKey() + "?", fact.getValue());
  }

  private List<String> duration() {
    List<Symptom> known = note.source().in(Frame.PRESENT).stream().filter(s -> note.facts().containsKey(Note.DURATION + s.key())).toList();
    if (known.isEmpty()) {
      return null;
    }
    Symptom symptom = dice.pick(known);
    return List.of("How long has the patient had " + note.phrase(symptom) + "?", Reference.capitalised(note.facts().get(Note.DURATION + symptom.key())) + ".");
  }

  private List<String> patient() {
    boolean female = note.source().patient().sex() == Sex.FEMALE;
    return dice.chance(0.5)
        ? List.of(dice.of("How old is the patient?", "What is the patient's age?"), Integer.toString(note.source().patient().age()) + dice.of("", " years"))
        : List.of(dice.of("Is the patient a man or a woman?", "What is the patient's sex?"), female ? "A woman." : "A man.");
  }

  /** Usually a symptom of the note, now and then another. */
  private Symptom subject() {
    List<Finding> findings = note.source().findings();
    if (findings.isEmpty() || dice.chance(0.15)) {
      List<Symptom> all = Lexicon.get().symptoms();
      return dice.pick(dice.chance(0.4) ? all.stream().filter(s -> s.system().equals("urinary")).toList() : all);
    }
    List<Frame> frames = findings.stream().map(Finding::frame).distinct().toList();
    Frame frame = dice.pick(frames); // not dominated by long lists of denials
    return dice.pick(note.source().in(frame));
  }

  /** The symptom's name, or one of its other names. */
  private String asked(Symptom symptom) {
    return dice.chance(0.5) ? note.phrase(symptom) : dice.chance(0.5) ? symptom.name() : dice.pick(symptom.phrases());
  }

  private Frame frame(Symptom symptom) {
    return note.source().findings().stream().filter(f -> f.symptom().key().equals(symptom.key())).map(Finding::frame).findFirst().orElse(null);
  }

  private String names(Frame frame) {
    List<String> names = ordered(note.source().in(frame)).stream().map(note::phrase).toList();
    return names.isEmpty() ? "none" : String.join(", ", names);
  }

  /** In the order in which the note speaks of them. */
  private List<Symptom> ordered(List<Symptom> symptoms) {
    String text = note.text().toLowerCase(Locale.ROOT);
    List<Symptom> ordered = new ArrayList<>(symptoms);
    ordered.sort(Comparator.comparingInt(s -> {
      int at = text.indexOf(note.phrase(s).toLowerCase(Locale.ROOT));
      return at < 0 ? Integer.MAX_VALUE : at;
    }));
    return ordered;
  }

  private static Map<String, List<String>> organs() {
    Map<String, List<String>> organs = new LinkedHashMap<>();
    for (String line : Grammar.lines(NoteQuestions.class, "organs.txt")) {
      String[] parts = line.split(" \\| ");
      organs.put(parts[0], List.of(parts[1].split("; ")));
    }
    return organs;
  }
}
