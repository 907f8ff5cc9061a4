package main

import (
	"fmt"
	"go/ast"
	"regexp"
	"strings"
)

// exception is a comment that says of a mutant that no test can kill it.
type exception struct {
	at      string // file:line of the comment
	file    *file
	line    int    // that it is about
	name    string // of the mutant, "" where the line has only one
	reason  string
	mutants []*mutant
}

var exceptionForm = regexp.MustCompile("^// mutant: equivalent(?: `(.+?)`)?, (.*[^ ].*)$")

// exceptions reads the comments, finds the mutants that each is about, and
// reports those that are about none.
func exceptions(s *source, all []*mutant) (found []*exception, faults []string) {
	for _, file := range s.files {
		for _, group := range file.ast.Comments {
			for _, c := range group.List {
				if !strings.HasPrefix(c.Text, "// mutant:") {
					continue
				}
				e := &exception{file: file, line: s.fset.Position(c.Pos()).Line}
				e.at = fmt.Sprintf("%s:%d", file.name, e.line)
				if alone(s, file, c) {
					e.line = s.fset.Position(group.End()).Line + 1
				}
				if fault := e.read(c.Text, all); fault != "" {
					faults = append(faults, e.at+": "+fault)
				} else {
					found = append(found, e)
				}
			}
		}
	}
	return found, faults
}

// alone tells whether nothing stands before a comment on its line.
func alone(s *source, file *file, c *ast.Comment) bool {
	before := string(file.text[:s.offset(c.Pos())])
	return strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]) == ""
}

func (e *exception) read(text string, all []*mutant) (fault string) {
	parts := exceptionForm.FindStringSubmatch(text)
	if parts == nil {
		return "an exception is written // mutant: equivalent, and the reason"
	}
	e.name, e.reason = parts[1], parts[2]
	for _, m := range all {
		if m.file == e.file && m.line == e.line && (e.name == "" || e.name == m.source || e.name == m.change()) {
			e.mutants = append(e.mutants, m)
		}
	}
	switch {
	case len(e.mutants) == 0:
		return fmt.Sprintf("there is no such mutant on line %d", e.line)
	case len(e.mutants) > 1:
		return fmt.Sprintf("line %d has several such mutants: name one, // mutant: equivalent `%s`, and the reason", e.line, e.mutants[0].change())
	}
	return ""
}
