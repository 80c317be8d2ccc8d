(* exactre-check CERT.json A.json B.json: the first line on stdout is `valid` (exit code 0) or `invalid` (1; the
   second line says which step, which rule, which value). Anything else is one line on stderr and exit code 2. *)

let step = function
  | Checker.InA neuron -> Printf.sprintf "A, neuron %s" (Z.to_string neuron)
  | Checker.InB neuron -> Printf.sprintf "B, neuron %s" (Z.to_string neuron)
  | Checker.InTree number -> Printf.sprintf "tree[%s]" (Z.to_string number)
  | Checker.InDomain -> "domain"
  | Checker.InWitness -> "witness"
  | Checker.InFiles -> "networks"

let rule_and_value = function
  | Checker.UnknownValue -> ("row", "it reads a value that does not exist")
  | Checker.UnknownAtom k -> ("atom", Printf.sprintf "atom %s does not exist" (Z.to_string k))
  | Checker.UnknownDomainRow i -> ("domain", Printf.sprintf "domain row %s does not exist" (Z.to_string i))
  | Checker.MultiplierNotPositive -> ("derivation", "a multiplier is not positive")
  | Checker.NotDerived -> ("derivation", "the weighted facts less the target are not zero")
  | Checker.ScaleZero -> ("scaled", "the factor is zero")
  | Checker.NotMultiple k -> ("scaled", Printf.sprintf "the preactivation is not s * e[%s]" (Z.to_string k))
  | Checker.NotConstant -> ("constant", "the preactivation is not a constant")
  | Checker.StepsMissing -> ("one step per neuron", "there are fewer steps than neurons")
  | Checker.StepsLeft -> ("one step per neuron", "there are more steps than neurons")
  | Checker.ChosenTwice k -> ("split", Printf.sprintf "atom %s is chosen already" (Z.to_string k))
  | Checker.NotEqual i -> ("equal", Printf.sprintf "the difference of output %s is not zero" (Z.to_string i))
  | Checker.TreeEnds -> ("tree", "it ends early")
  | Checker.TreeGoesOn -> ("tree", "it goes on after its end")
  | Checker.WidthsDiffer -> ("length", "the numbers of inputs or outputs differ")
  | Checker.NegativeTolerance -> ("tolerance", "it is negative")
  | Checker.OutsideDomain i -> ("domain", Printf.sprintf "the input violates row %s" (Z.to_string i))
  | Checker.WrongOutput i -> ("value", Printf.sprintf "output %s is not the computed one" (Z.to_string i))
  | Checker.WithinTolerance -> ("difference", "no output differs by more than the tolerance")

exception Invalid of string

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
    match proof with
    | Equivalent (steps_a, steps_b, tree) ->
        Checker.check_equivalent a.network b.network domain tolerance steps_a steps_b tree
    | Different (input, output_a, output_b) ->
        Checker.check_different a.network b.network domain tolerance input output_a output_b
  in
  match answer with
  | Checker.Ok () -> ()
  | Checker.Refused (place, reason) ->
      let rule, value = rule_and_value reason in
      raise (Invalid (Printf.sprintf "%s: %s: %s" (step place) rule value))

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

let () = exit (run (Array.to_list Sys.argv))
