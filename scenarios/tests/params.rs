//! Parameters and variants: what is filled in where, who wins, and what is refused in which words.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use rehearsal_scenarios::plan::{Behaviour, Expectation, Strategy, World};
use rehearsal_scenarios::{Overrides, Scenario, library, load, load_all, setting, variant_names};
use serde_json::json;

fn set(settings: &[&str]) -> Overrides {
    Overrides { set: settings.iter().map(|text| setting(text).unwrap()).collect(), ..Overrides::default() }
}

fn read(text: &str, overrides: &Overrides) -> Scenario {
    load("test", text.as_bytes(), overrides).unwrap_or_else(|faults| panic!("{faults}"))
}

fn refused(text: &str, overrides: &Overrides) -> String {
    load_all("test", text.as_bytes(), overrides).unwrap_err().to_string()
}

const SIZED: &str = "format = 1\nabout = \"${clients} clients\"\n\
    [params]\nclients = { simulated = 3, live = 20 }\nhold = \"9s\"\njob = { uniform = [\"1s\", \"2s\"] }\n\
    [time]\nmeasure = \"${hold}\"\n[users.workers]\njob = \"${job}\"\n[users.clients]\ncount = \"${clients}\"\n";

#[test]
fn a_parameter_may_have_another_value_in_each_world() {
    let scenario = read(SIZED, &Overrides::default());
    let users = |world| scenario.plan(1, world).users.len();
    assert_eq!((users(World::Simulated), users(World::Live)), (4, 21));
    let plan = scenario.plan(1, World::Live);
    assert_eq!(plan.about, "20 clients");
    assert_eq!(plan.phases.measure_ns, 9_000_000_000);
    assert_eq!(plan.parameters["clients"], json!(20));
}

#[test]
fn the_command_line_wins_over_the_file_in_both_worlds() {
    let scenario = read(SIZED, &set(&["clients=5", "hold=30s"]));
    for world in [World::Simulated, World::Live] {
        let plan = scenario.plan(1, world);
        assert_eq!((plan.users.len(), plan.phases.measure_ns), (6, 30_000_000_000));
        assert_eq!(plan.parameters["hold"], json!("30s"));
    }
}

#[test]
fn what_a_plan_says_it_used_makes_the_same_plan_again() {
    let scenario = read(SIZED, &set(&["clients=5"]));
    for world in [World::Simulated, World::Live] {
        let plan = scenario.plan(7, world);
        let again = Overrides { set: plan.parameters.clone(), ..Overrides::default() };
        assert_eq!(read(SIZED, &again).plan(7, world), plan);
    }
}

#[test]
fn a_parameter_is_filled_in_before_the_names_of_a_flow() {
    let text = "format = 1\n[params]\ngreeting = \"hello\"\nsize = 3\n[users.peers]\nflow = \"say\"\n[flow.say]\n\
                steps = [\"join\", { send = { to = \"${user.id}\", payload = { text = \"${greeting} ${user.id}\", n = \"${size}\" } } }]\n";
    let plan = read(text, &Overrides::default()).plan(1, World::Simulated);
    let Behaviour::Flow(steps) = &plan.users[0].behaviour else { panic!("no flow") };
    let sent = format!("{:?}", steps[1].verb);
    assert!(sent.contains("hello ${user.id}") && sent.contains("Number(3)"), "{sent}");
}

#[test]
fn what_is_filled_in_is_checked_like_what_is_written() {
    insta::assert_snapshot!(refused(SIZED, &set(&["clients=many"])), @r#"
    error: this kind of value does not belong here
      --> test.toml:12:9
       |
    12 | count = "${clients}"
       |         ^^^^^^^^^^^^
       = expected a whole number from 1 to 100000, or a drawn count (`{ uniform = [1, 5] }`), found the
         string "many"
       = help: this is what a parameter was filled in with: `[params]`

    test.toml: 1 fault
    "#);
    insta::assert_snapshot!(refused(SIZED, &set(&["client=5"])), @r"
    error: `client` is set, but there is no such parameter
     --> test.toml:3:1
      |
    3 | [params]
      | ^^^^^^^^ expected one of `clients`, `hold`, `job`
      = help: did you mean `clients`?
      = help: `[params]` names what `--set` can change

    test.toml: 1 fault
    ");
}

#[test]
fn a_parameter_that_is_used_nowhere_is_a_slip() {
    let unused = "format = 1\n[params]\nn = 3\n[users.workers]\ncount = 3\n";
    insta::assert_snapshot!(refused(unused, &Overrides::default()), @r#"
    error: parameter `n` is used nowhere
     --> test.toml:3:1
      |
    3 | n = 3
      | ^
      = help: write `"${n}"` where its value belongs, or take it out

    test.toml: 1 fault
    "#);
    let used = unused.replace("count = 3", "count = '${n}'");
    assert_eq!(read(&used, &Overrides::default()).plan(1, World::Live).users.len(), 3);
}

#[test]
fn the_command_line_may_set_one_value_for_each_world() {
    let text = "format = 1\n[params]\nn = 3\n[users.workers]\ncount = '${n}'\n";
    let users = |set_to: &str, world| read(text, &set(&[set_to])).plan(1, world).users.len();
    let both = "n={ simulated = 2, live = 5 }";
    assert_eq!((users(both, World::Simulated), users(both, World::Live)), (2, 5));
    assert_eq!((users("n={ live = 5 }", World::Simulated), users("n={ live = 5 }", World::Live)), (3, 5));
}

#[test]
fn a_parameter_may_be_made_of_others_in_each_world_and_variant() {
    let text = "format = 1\nabout = \"${title}\"\n[params]\ntitle = \"${crowd} in ${place}\"\nplace = \"a room\"\n\
                crowd = \"${n} clients\"\nn = { simulated = 3, live = 20 }\nmost = \"${n}\"\nhundred = 100\n\
                [variants.small]\n[variants.large]\nn = \"${hundred}\"\n\
                [users.workers]\n[users.clients]\ncount = \"${most}\"\n";
    let all = load_all("test", text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
    let seen = |nth: usize, world| {
        let plan: rehearsal_scenarios::plan::Plan = all[nth].plan(1, world);
        (plan.about, plan.users.len(), plan.parameters["most"].clone())
    };
    assert_eq!(seen(0, World::Simulated), ("3 clients in a room".to_owned(), 4, json!(3)));
    assert_eq!(seen(0, World::Live), ("20 clients in a room".to_owned(), 21, json!(20)));
    assert_eq!(seen(1, World::Live), ("100 clients in a room".to_owned(), 101, json!(100)));
    let set_one = load("test", text.as_bytes(), &set(&["crowd=all ${n}"])).unwrap();
    assert_eq!(set_one.plan(1, World::Live).about, "all 20 in a room");
}

#[test]
fn a_parameter_that_is_made_of_itself_is_told_once_and_what_it_leads_to_is_not() {
    let text = "format = 1\n[params]\na = \"${b}\"\nb = \"${c}\"\nc = \"${b}\"\nd = \"${d}s\"\n\
                [time]\nramp = \"${d}\"\n[users.workers]\ncount = \"${a}\"\nrole = 3\n";
    insta::assert_snapshot!(refused(text, &Overrides::default()), @r#"
    error: parameter `b` is made of itself
     --> test.toml:5:5
      |
    5 | c = "${b}"
      |     ^^^^^^ found `b`, then `c`, then `b`
      = help: give one of them a value of its own

    error: parameter `d` is made of itself
     --> test.toml:6:5
      |
    6 | d = "${d}s"
      |     ^^^^^^^ found `d`, then `d`
      = help: give one of them a value of its own

    error: this kind of value does not belong here
      --> test.toml:11:8
       |
    11 | role = 3
       |        ^ expected a string, found the whole number 3

    test.toml: 3 faults
    "#);
}

#[test]
fn parameters_that_grow_with_each_other_are_refused_before_they_eat_the_memory() {
    let level = |n: usize| format!("p{n} = [\"${{p{0}}}\", \"${{p{0}}}\", \"${{p{0}}}\", \"${{p{0}}}\"]\n", n + 1);
    let params: String = (0..40).map(level).collect();
    let text = format!("format = 1\n[params]\n{params}p40 = 1\n[users.workers]\nproperties = \"${{p0}}\"\n");
    let words = refused(&text, &Overrides::default());
    assert!(words.contains("what parameters are filled in with becomes too large"), "{words}");
    assert!(words.ends_with("test.toml: 1 fault\n"), "{words}");
    let deep: String = (0..50_000).map(|n| format!("p{n} = \"${{p{}}}\"\n", n + 1)).collect();
    let text = format!("format = 1\n[params]\n{deep}p50000 = 1\n[users.workers]\ncount = \"${{p0}}\"\n");
    assert!(text.len() < 1 << 20);
    let words = refused(&text, &Overrides::default());
    assert!(words.contains("is made of more than 100 others"), "{words}");
}

#[test]
fn faults_of_parameters_are_told_where_they_are() {
    let text = "format = 1\n[params]\na = { live = 3 }\nb = \"${aa}\"\nrepetition = 1\n[variants.x]\nc = 1\n\
                [users.workers]\ncount = \"${aa}\"\nrole = \"${d}\"\n";
    insta::assert_snapshot!(refused(text, &Overrides::default()), @r#"
    error: `a` has a value for one world only
     --> test.toml:3:5
      |
    3 | a = { live = 3 }
      |     ^^^^^^^^^^^^
      = expected `{ simulated = …, live = … }`, or one value for both

    error: there is no parameter `aa`
     --> test.toml:4:5
      |
    4 | b = "${aa}"
      |     ^^^^^^^ expected one of `a`, `b`, `c`, `repetition`
      = help: did you mean `a`?
      = help: `[params]` names values: `aa = …`

    error: `repetition` is a name that every user has
     --> test.toml:5:1
      |
    5 | repetition = 1
      | ^^^^^^^^^^
      = help: `${…}` could mean either: choose another name for the parameter

    error: there is no parameter `c`
     --> test.toml:7:1
      |
    7 | c = 1
      | ^ expected one of `a`, `b`, `repetition`
      = help: a variant gives other values to `[params]`

    error: there is no parameter `aa`
     --> test.toml:9:9
      |
    9 | count = "${aa}"
      |         ^^^^^^^ expected one of `a`, `b`, `repetition`
      = help: did you mean `a`?
      = help: `[params]` names values: `aa = …`

    error: there is no parameter `d`
      --> test.toml:10:8
       |
    10 | role = "${d}"
       |        ^^^^^^ expected one of `a`, `b`, `repetition`
       = help: `[params]` names values: `d = …`

    test.toml: 6 faults
    "#);
}

const RIVALS: &str = "format = 1\n[params]\nstrategy = \"metadata_first\"\nexpected = \"holds\"\n\
    [variants.careful]\n[variants.naive]\nstrategy = \"reject_when_busy\"\nexpected = { simulated = \"broken\", live = \"either\" }\n\
    [users.workers]\nstrategy = \"${strategy}\"\n[users.clients]\n";

#[test]
fn variants_are_read_in_the_order_of_the_file_each_with_its_values() {
    let text = RIVALS.replace("format = 1\n", "format = 1\nexpect = \"${expected}\"\n");
    let all = load_all("race", text.as_bytes(), &Overrides::default()).unwrap();
    let named: Vec<_> = all.iter().map(|scenario| (scenario.name(), scenario.variant())).collect();
    assert_eq!(named, [("race.careful", Some("careful")), ("race.naive", Some("naive"))]);
    assert_eq!(variant_names(text.as_bytes()), ["careful", "naive"]);
    let strategy = |scenario: &Scenario| match &scenario.plan(1, World::Simulated).users[0].behaviour {
        Behaviour::Worker(worker) => worker.strategy,
        other => panic!("{other:?}"),
    };
    assert_eq!(all.iter().map(strategy).collect::<Vec<_>>(), [Strategy::MetadataFirst, Strategy::RejectWhenBusy]);
    assert_eq!(all[1].expectation(World::Simulated), &Expectation::Broken(Vec::new()));
    assert_eq!(all[1].expectation(World::Live), &Expectation::Either);
    let one = Overrides { variant: Some("naive".into()), ..Overrides::default() };
    assert_eq!(read(&text, &one).variant(), Some("naive"));
    assert_eq!(
        read(&text, &Overrides { variant: Some("naive".into()), ..set(&["strategy=reservation"]) })
            .plan(1, World::Live)
            .parameters["strategy"],
        json!("reservation")
    );
}

#[test]
fn a_variant_that_is_not_there_is_refused() {
    let asked = Overrides { variant: Some("niave".into()), ..Overrides::default() };
    let text = RIVALS.replace("format = 1\n", "format = 1\nexpect = \"${expected}\"\n");
    insta::assert_snapshot!(refused(&text, &asked), @r"
    error: there is no variant `niave`
     --> test.toml:1:1
      |
    1 | format = 1
      | ^ expected `careful` or `naive`
      = help: did you mean `naive`?
      = help: `[variants.NAME]` makes one

    test.toml: 1 fault
    ");
}

#[test]
fn variants_that_come_to_the_same_are_refused_and_those_that_still_differ_are_not() {
    let text = RIVALS.replace("format = 1\n", "format = 1\nexpect = \"${expected}\"\n");
    insta::assert_snapshot!(refused(&text, &set(&["strategy=reservation", "expected=either"])), @r"
    error: variants `careful` and `naive` are the same once `strategy` is set
     --> test.toml:7:11
      |
    7 | [variants.naive]
      |           ^^^^^
      = help: play one of them with `--variant careful`, or leave `--set strategy` out

    test.toml: 1 fault
    ");
    assert_eq!(load_all("race", text.as_bytes(), &set(&["strategy=reservation"])).unwrap().len(), 2);
    let chosen = Overrides { variant: Some("naive".into()), ..set(&["strategy=reservation", "expected=either"]) };
    assert!(load_all("race", text.as_bytes(), &chosen).is_ok());
    let alike = format!("{text}[variants.also_careful]\n");
    assert!(refused(&alike, &Overrides::default()).contains("variants `careful` and `also_careful` are the same\n"));
}

#[test]
fn settings_are_toml_or_else_text() {
    assert_eq!(setting("clients = 5"), Ok(("clients".into(), json!(5))));
    assert_eq!(setting("hold=10m"), Ok(("hold".into(), json!("10m"))));
    assert_eq!(setting("tags=['a', 'b']"), Ok(("tags".into(), json!(["a", "b"]))));
    assert!(setting("clients").unwrap_err().contains("no setting"));
    assert!(setting("=5").unwrap_err().contains("missing"));
}

#[test]
fn every_library_file_that_has_variants_is_valid_in_all_of_them() {
    for name in library::names() {
        let text = library::get(name).unwrap();
        let all = load_all(name, text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(all.len(), variant_names(text.as_bytes()).len().max(1), "{name}");
    }
}
