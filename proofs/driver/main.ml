(* exactre-check CERT.json A.json B.json: the first line on stdout is `valid` (exit code 0) or `invalid` (1; the
   second line says which step, which rule, which value). Anything else is one line on stderr and exit code 2. *)

exception Invalid of string

let rule_of_step = function
  | Checker.Atom -> "atom"
  | Checker.Scaled _ -> "scaled"
  | Checker.Constant -> "constant"
  | Checker.Active _ -> "active"
  | Checker.Inactive _ -> "inactive"
  | Checker.LearnZero _ -> "zero"
  | Checker.LearnBound _ -> "bound"

let rule_of_tree_node = function
  | Checker.Split _ -> "split"
  | Checker.Stable (_, active, _) -> if active then "active" else "inactive"
  | Checker.Same _ -> "same"
  | Checker.Infeasible _ -> "infeasible"
  | Checker.Equal -> "equal"
  | Checker.Bounded _ -> "bounded"
  | Checker.Decided _ -> "decided"

let rec value = function
  | Checker.UnknownValue -> "it reads a value that does not exist"
  | Checker.UnknownAtom k -> Printf.sprintf "atom %s does not exist" (Z.to_string k)
  | Checker.UnknownInput i -> Printf.sprintf "input %s does not exist" (Z.to_string i)
  | Checker.UnknownDomainRow i -> Printf.sprintf "domain row %s does not exist" (Z.to_string i)
  | Checker.UnknownBound i -> Printf.sprintf "bound %s does not exist" (Z.to_string i)
  | Checker.UnknownOutput k -> Printf.sprintf "output %s does not exist" (Z.to_string k)
  | Checker.MultiplierNotPositive -> "a multiplier is not positive"
  | Checker.NotDerived -> "the weighted facts less the target are not zero"
  | Checker.NotStrict -> "no fact of the sum is strict"
  | Checker.NotMultiple k -> Printf.sprintf "it is not s * e[%s]" (Z.to_string k)
  | Checker.NotBefore k -> Printf.sprintf "atom %s is not before the other" (Z.to_string k)
  | Checker.NotConstant -> "the preactivation is not a constant"
  | Checker.NoAtom -> "the expression has no atom"
  | Checker.StepCount -> "the numbers of steps and neurons differ"
  | Checker.ChosenTwice k -> Printf.sprintf "atom %s is chosen or learnt already" (Z.to_string k)
  | Checker.NotEqual i -> Printf.sprintf "the difference of output %s is not zero" (Z.to_string i)
  | Checker.TreeEnds -> "the tree ends early"
  | Checker.TreeGoesOn -> "the tree goes on after its end"
  | Checker.AtNode (_, why) -> value why
  | Checker.OtherClaim -> "it says nothing about this claim"
  | Checker.WidthsDiffer -> "the numbers of inputs or outputs differ"
  | Checker.InputsMissing -> "the input has not one coordinate for each input of the networks"
  | Checker.NegativeTolerance -> "the tolerance is negative"
  | Checker.OutsideDomain i -> Printf.sprintf "the input violates row %s" (Z.to_string i)
  | Checker.WrongOutput i -> Printf.sprintf "output %s is not the computed one" (Z.to_string i)
  | Checker.WithinTolerance -> "no output differs by more than the tolerance"
  | Checker.SameDecision -> "both have the same decision"

(* The step and the rule that a refusal is about. *)
let in_tree where tree = function
  | Checker.AtNode (i, _) ->
      (Printf.sprintf "%stree[%s]" where (Z.to_string i), rule_of_tree_node (List.nth tree (Z.to_int i)))
  | _ -> (where ^ "tree", "tree")

let in_step name steps i reason =
  let where = Printf.sprintf "%s, step %s" name (Z.to_string i) in
  match (reason, List.nth_opt steps (Z.to_int i)) with
  | Checker.StepCount, _ | _, None -> ("network " ^ name, "one step per neuron")
  | (Checker.AtNode _ | Checker.TreeEnds | Checker.TreeGoesOn), Some (Checker.LearnZero (_, tree)) ->
      in_tree (where ^ ", ") tree reason
  | _, Some step -> (where, rule_of_step step)

let step_and_rule proof place reason =
  match (place, proof) with
  | Checker.InA i, Certificate_file.Equivalent (steps_a, _, _) -> in_step "A" steps_a i reason
  | Checker.InB i, Certificate_file.Equivalent (_, steps_b, _) -> in_step "B" steps_b i reason
  | Checker.InTree, Certificate_file.Equivalent (_, _, tree) -> in_tree "" tree reason
  | Checker.InDomain, _ -> ("domain", "domain")
  | Checker.InFiles, _ -> ("networks", "same inputs and outputs")
  | (Checker.InWitness | Checker.InA _ | Checker.InB _ | Checker.InTree), _ -> (
      match reason with
      | Checker.OutsideDomain i -> ("witness", Printf.sprintf "domain[%s]" (Z.to_string i))
      | Checker.InputsMissing -> ("witness", "length")
      | Checker.WithinTolerance -> ("witness", "difference")
      | Checker.SameDecision -> ("witness", "decision")
      | _ -> ("witness", "value"))

let load path read =
  try read (Json.parse (Json.read_file path))
  with Json.Malformed text -> Json.malformed "%s: %s" path text

let check_hash name expected (file : Network_file.t) =
  if file.sha256 <> expected then
    raise (Invalid (Printf.sprintf "network %s: hash: %s, the certificate is for %s" name file.sha256 expected))

let check certificate_path a_path b_path =
  let certificate = load certificate_path Certificate_file.read in
  let a = load a_path Network_file.read in
  let b = load b_path Network_file.read in
  check_hash "A" certificate.a a;
  check_hash "B" certificate.b b;
  let { Certificate_file.domain; tolerance; proof; _ } = certificate in
  let answer =
    match (proof, tolerance) with
    | Equivalent (steps_a, steps_b, tree), Some q ->
        Checker.check_equivalent a.network b.network domain q steps_a steps_b tree
    | Equivalent (steps_a, steps_b, tree), None ->
        Checker.check_same_argmax a.network b.network domain steps_a steps_b tree
    | Different (input, output_a, output_b), Some q ->
        Checker.check_different a.network b.network domain q input output_a output_b
    | Different (input, output_a, output_b), None ->
        Checker.check_different_argmax a.network b.network domain input output_a output_b
  in
  match answer with
  | Checker.Ok () -> ()
  | Checker.Refused (place, reason) ->
      let step, rule = step_and_rule proof place reason in
      raise (Invalid (Printf.sprintf "%s: %s: %s" step rule (value reason)))

let trouble text =
  prerr_endline (String.map (fun c -> if c = '\n' then ' ' else c) text);
  2

let run = function
  | [ _; certificate; a; b ] -> (
      try
        check certificate a b;
        print_endline "valid";
        0
      with
      | Invalid text -> print_endline "invalid"; print_endline text; 1
      | Json.Malformed text | Sys_error text -> trouble text
      | Big.Too_large ->
          trouble (Printf.sprintf "an expression needs an integer of more than %d bits" Big.max_bits)
      | Out_of_memory -> trouble "out of memory"
      | Stack_overflow -> trouble "out of stack")
  | _ -> trouble "usage: exactre-check CERT.json A.json B.json"

(* A large minor heap: most of what is read lives until the check is over, and is then copied less often. *)
let () =
  Gc.set { (Gc.get ()) with minor_heap_size = 1 lsl 20 };
  exit (run (Array.to_list Sys.argv))
