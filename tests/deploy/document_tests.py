TESTS={}
def calls(): return []
